// The flags that say which Snowflake a command works on.
#pragma once

namespace CLI {
class App;
}

namespace pulk {

struct SnowflakeLoginOptions;

// `options` must outlive `app`.
void add_snowflake_login(CLI::App& app, SnowflakeLoginOptions& options);

}  // namespace pulk
