// What the Snowflake driver says, as an Error with the right exit class and the next step. Codes are those of the
// service and of gosnowflake 1.19 (errors.go); those not listed keep the kind that the driver manager's status has.
#pragma once

#include <string>

#include "base/error.h"

namespace pulk::snowflake {

// The service's code, 2003 for "[Snowflake] 002003 (42S02): ..."; 0 when the text has none.
int error_code(const std::string& message);

// `raw` as the driver's text; an Error that has a subject was made by pulk and is given back as it is.
Error snowflake_error(const Error& raw, const std::string& subject);

// The object does not exist, or the role may not see it.
bool is_missing(const Error& raw);

}  // namespace pulk::snowflake
