// The one exception type of pulk. `kind` decides the exit class of the process, the other fields are what a person
// needs: what happened, to what, and the next step. Arrow, libpq, ODBC and ADBC results become an Error where they
// enter the program. Secrets never go into an Error (I4).
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace pulk {

// The numbers are the exit classes of the process; 0 is "all done".
enum class ErrorKind {
  usage = 1,      // flags, configuration, names that a person wrote
  retryable = 2,  // network, lock, expired, disk full, interrupted: run again
  integrity = 3,  // a count or a digest differs
  drift = 4,      // the schema of source or target is not the one that was planned
  refused = 5,    // unsupported type, missing privilege, a value without an exact carrier
  internal = 6,   // a bug in pulk
};

std::string_view to_string(ErrorKind kind);

class Error : public std::exception {
 public:
  // message: one sentence, what and why. subject: table, partition, file, query id ("" when there is none).
  // hint: the next step for the user ("" when there is none).
  Error(ErrorKind kind, std::string message, std::string subject = "", std::string hint = "");

  ErrorKind kind() const noexcept { return kind_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& subject() const noexcept { return subject_; }
  const std::string& hint() const noexcept { return hint_; }
  int exit_code() const noexcept { return static_cast<int>(kind_); }

  // "subject: message" and, on a second line, "  hint: ...".
  const char* what() const noexcept override { return text_.c_str(); }

  // For what must not be tried again by this process although another start may go on: it was taken over.
  Error as_final() const;
  bool is_final() const noexcept { return final_; }

  // The same error with a subject, for boundaries that know more than the place of the throw. Keeps a subject that
  // is already there as the second part ("orders: part 3").
  Error with_subject(std::string_view outer) const;

 private:
  ErrorKind kind_;
  std::string message_;
  std::string subject_;
  std::string hint_;
  std::string text_;
  bool final_ = false;
};

// One finding about what a person wrote. `where` is "file:path.in.it" or "file:line:column".
struct Problem {
  std::string where;
  std::string what;
  std::string hint;
};

// Collects every problem of one input, so that a user sees all of them at once.
class Problems {
 public:
  void add(std::string where, std::string what, std::string hint = "");
  void add(const Problems& more);
  bool empty() const noexcept { return list_.empty(); }
  const std::vector<Problem>& list() const noexcept { return list_; }
  // Throws one Error of this kind that lists all problems; does nothing when there are none.
  void throw_if_any(ErrorKind kind = ErrorKind::usage) const;

 private:
  std::vector<Problem> list_;
};

}  // namespace pulk
