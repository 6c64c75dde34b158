// What the values of a column that stands in a target mean, whatever type holds them: by that source and target are
// compared. Pure values.
#pragma once

#include <optional>
#include <string_view>

namespace pulk {

enum class Meaning {
  boolean,
  number,
  real,
  text,
  bytes,
  date,
  time,
  moment,
  uuid,
  presence,  // the target keeps a value of its own making: only NULL or not can be compared
};
std::string_view to_string(Meaning meaning);

struct StoredType {
  Meaning meaning = Meaning::text;
  int scale = 0;        // number: digits after the point
  bool single = false;  // real: of 32 bits
};

// By a type's name in the vocabulary of the embedded targets; nothing for a type that it does not have.
std::optional<StoredType> stored_sql_type(std::string_view type);

}  // namespace pulk
