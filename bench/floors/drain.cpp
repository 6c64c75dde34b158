// The floor of the server's work: COPY BINARY over several connections, thrown away. drain URI TABLE CONNECTIONS
#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

void fail(PGconn* connection) {
  std::fprintf(stderr, "drain: %s", PQerrorMessage(connection));
  std::exit(1);
}

void drain(const char* uri, const std::string& sql) {
  PGconn* connection = PQconnectdb(uri);
  if (PQstatus(connection) != CONNECTION_OK) fail(connection);
  PGresult* result = PQexec(connection, sql.c_str());
  if (PQresultStatus(result) != PGRES_COPY_OUT) fail(connection);
  PQclear(result);
  char* buffer = nullptr;
  while (PQgetCopyData(connection, &buffer, 0) > 0) PQfreemem(buffer);
  PQfinish(connection);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  const int connections = std::atoi(argv[3]);
  PGconn* connection = PQconnectdb(argv[1]);
  PGresult* result = PQexec(connection, ("SELECT pg_relation_size('" + std::string(argv[2]) + "') / 8192").c_str());
  if (PQresultStatus(result) != PGRES_TUPLES_OK) fail(connection);
  const long pages = std::atol(PQgetvalue(result, 0, 0));
  PQclear(result);
  PQfinish(connection);
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    const std::string from = std::to_string(pages * i / connections),
                      to = std::to_string(pages * (i + 1) / connections);
    threads.emplace_back(drain, argv[1],
                         "COPY (SELECT * FROM " + std::string(argv[2]) + " WHERE ctid >= '(" + from +
                             ",0)'::tid AND ctid < '(" + to + ",0)'::tid) TO STDOUT (FORMAT binary)");
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
