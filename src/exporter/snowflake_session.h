// Sessions for SQL that a person wrote: exports and queries.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adbc/snowflake/client.h"
#include "base/cancel.h"
#include "config/snowflake_connection.h"

namespace pulk {

// Names without database and schema mean those of the connection. `tag` is JSON text; `cancel` may be null.
std::unique_ptr<snowflake::Client> open_session(const SnowflakeConnection& connection, const std::string& tag,
                                                CancelToken* cancel);

// Runs `work`, which sends a statement as a person wrote it. What Snowflake says against it gets the id of the query;
// what no other reason is known for is the person's to mend (usage), not a bug.
void send_as_written(snowflake::Client& client, const std::function<void()>& work);

// The statement gives the rows of a query, so that it can be put into another one: it begins with SELECT or WITH.
bool is_select(std::string_view sql);
// Without what stands around it: blanks, and semicolons at its end.
std::string_view trim_statement(std::string_view sql);

}  // namespace pulk
