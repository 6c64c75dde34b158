// The credential cache of this process: kind MEMORY, by a name, so that GSSAPI in drivers finds it by KRB5CCNAME.
//
// What libkrb5 1.20 to 1.22 do, by their cc_memory.c: a MEMORY cache is shared by all contexts and threads of a
// process, every operation on it is atomic, but reading is a walk with a cursor. krb5_cc_initialize, and krb5_cc_move,
// which calls it or its like, end the walks of others in the middle: they find no ticket (measured with 1.20 and three
// readers: 11 of 21,000 walks, 2 of 61,000 with krb5_cc_move). A ticket that is added is put
// at the end, where every walk still comes by, and one that is removed is stepped over. So a new ticket is added first,
// and all older ones are removed then: whoever reads finds one of the two. Before 1.20 a new ticket came to the front,
// where a walk that had begun missed it: a login may lose that race.
#pragma once

#include "identity/krb5_handles.h"

namespace pulk {

inline constexpr const char* kMemoryCache = "MEMORY:pulk";

// Puts the ticket of `creds` in the place of all that is in the cache. One caller at a time. Throws Error.
void replace_ticket(krb5_context context, krb5_creds& creds);

// Nothing is left of it.
void destroy_memory_cache();

}  // namespace pulk
