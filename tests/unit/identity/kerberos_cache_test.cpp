// The memory cache while others read it: a ticket is there at every instant.
#include "identity/kerberos_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <thread>
#include <vector>

namespace pulk {
namespace {

// A ticket-granting ticket that nobody gave.
class Ticket {
 public:
  Ticket(krb5_context context, const char* service, int life) : creds_(context) {
    krb5_creds& creds = *creds_.get();
    EXPECT_EQ(krb5_parse_name(context, "mover@LAB.TEST", &creds.client), 0);
    EXPECT_EQ(krb5_parse_name(context, service, &creds.server), 0);
    creds.keyblock.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96;
    creds.times.authtime = static_cast<krb5_timestamp>(std::time(nullptr));
    creds.times.endtime = creds.times.authtime + life;
  }
  krb5_creds& get() { return *creds_.get(); }

 private:
  Krb5Creds creds_;
};

// The ends of the tickets that a walk through the cache finds.
std::vector<krb5_timestamp> ends(krb5_context context) {
  std::vector<krb5_timestamp> found;
  Krb5Cache cache(context);
  krb5_cc_cursor cursor = nullptr;
  if (krb5_cc_resolve(context, kMemoryCache, cache.out()) != 0) return found;
  if (krb5_cc_start_seq_get(context, cache.get(), &cursor) != 0) return found;
  for (Krb5Creds creds(context); krb5_cc_next_cred(context, cache.get(), &cursor, creds.get()) == 0;) {
    found.push_back(creds->times.endtime);
    krb5_free_cred_contents(context, creds.get());
  }
  krb5_cc_end_seq_get(context, cache.get(), &cursor);
  return found;
}

}  // namespace

TEST(KerberosCache, OneTicketTakesThePlaceOfAllOthers) {
  const Krb5Context context;
  Ticket first(context, "krbtgt/LAB.TEST@LAB.TEST", 100), second(context, "krbtgt/LAB.TEST@LAB.TEST", 200);
  replace_ticket(context, first.get());
  {
    Krb5Cache cache(context);
    Ticket service(context, "postgres/localhost@LAB.TEST", 50);
    ASSERT_EQ(krb5_cc_resolve(context, kMemoryCache, cache.out()), 0);
    ASSERT_EQ(krb5_cc_store_cred(context, cache.get(), &service.get()), 0);
  }
  EXPECT_EQ(ends(context).size(), 2U);
  replace_ticket(context, second.get());
  EXPECT_EQ(ends(context), std::vector{second.get().times.endtime});
  destroy_memory_cache();
  EXPECT_TRUE(ends(context).empty());
}

TEST(KerberosCache, WhoeverReadsFindsATicket) {
  constexpr int kTimes = 5000;
  std::atomic<bool> stop{false};
  std::atomic<long> walks{0}, without{0};
  {
    const Krb5Context context;
    Ticket first(context, "krbtgt/LAB.TEST@LAB.TEST", 1000);
    replace_ticket(context, first.get());
  }
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      const Krb5Context context;
      while (!stop) {
        if (ends(context).empty()) ++without;
        ++walks;
      }
    });
  const Krb5Context context;
  for (int i = 1; i <= kTimes || walks < kTimes; ++i) {
    Ticket next(context, "krbtgt/LAB.TEST@LAB.TEST", 1000 + i);
    replace_ticket(context, next.get());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(without, 0) << "of " << walks << " walks";
  destroy_memory_cache();
}

}  // namespace pulk
