// What a function that can fail returns: a value, or an Error that says what the caller should do
// and what happened. Uses the operators of std::expected, so a later move to it is mechanical.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

// What the caller should do about it.
enum class Fault {
    bad_config,       // end; be held until the configuration changes
    bad_credentials,  // end; be held until the secret changes
    taken,            // end; be held: another program uses the same account
    bad_message,      // drop the message, keep the link
    unreachable,      // back off, retry
    timed_out,        // back off, retry
    busy,             // back off, retry
    out_of_room,      // shed load
    out_of_memory,    // end; be started again
    no_storage,       // the volume takes nothing: back off, retry
    system,           // the machine refused; `sys` holds errno
};

struct Error {
    Fault fault = Fault::system;
    std::string what;  // a sentence for the owner that names the key, file or peer
    int sys = 0;       // errno, or 0
};

// The fault's name as written in messages between processes.
const char* fault_name(Fault fault);
// Unknown names read as Fault::system.
Fault fault_from_name(const std::string& name);

// An Error of Fault::system: "<what>: <text of errno>".
Error system_error(std::string what, int error_number);

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return content_.index() == 0; }
    bool has_value() const { return content_.index() == 0; }
    T& value() {
        return content_.index() == 0 ? *std::get_if<0>(&content_)
                                     : (std::abort(), *std::get_if<0>(&content_));
    }
    const T& value() const { return const_cast<Result*>(this)->value(); }
    T& operator*() { return value(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const Error& error() const {
        if (content_.index() != 1) std::abort();
        return *std::get_if<1>(&content_);
    }

  private:
    std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : content_(std::move(error)) {}

    explicit operator bool() const { return content_.index() == 0; }
    bool has_value() const { return content_.index() == 0; }
    const Error& error() const {
        if (content_.index() != 1) std::abort();
        return *std::get_if<1>(&content_);
    }

  private:
    std::variant<std::monostate, Error> content_;
};

using Done = Result<void>;
