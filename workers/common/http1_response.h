// Reads one HTTP/1.1 answer from a stream of bytes. Pure: no socket, no clock.
//
// Promises: bounded heads and lines; what frames the body is decided as RFC 9112 §6.3 has it; an
// answer that contradicts itself is refused rather than guessed at.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/common/base/result.h"

struct Http1Head {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    // The first header of that name (lower case), or empty.
    std::string_view header(std::string_view name) const;
};

class Http1Response {
  public:
    // Gets the body in pieces; an Error ends the reading with it.
    using BodyHandler = std::function<Done(const Http1Head& head, std::string_view bytes)>;

    Http1Response(bool is_answer_to_head, BodyHandler on_body);

    // Takes what arrived; bad_message when it is no HTTP, or the body handler's error. Bytes behind
    // the end are left alone and make keeps_alive() false.
    Done feed(std::string_view bytes);
    // The connection has ended: fine only for a body that lasts until then.
    Done end_of_stream();

    bool has_begun() const { return has_begun_; }
    bool is_complete() const { return stage_ == Stage::complete; }
    // The connection can carry another exchange. Known when complete.
    bool keeps_alive() const { return keeps_alive_; }
    Http1Head& head() { return head_; }
    const Http1Head& head() const { return head_; }

  private:
    enum class Stage { head, counted, to_the_end, chunk_size, chunk, chunk_end, trailer, complete };

    Done take(std::string_view& bytes);
    // False: more bytes are needed.
    Result<bool> take_line(std::string_view& bytes);
    Done take_body(std::string_view& bytes);
    Done take_head_line();
    Done take_status_line();
    Done take_header();
    Done head_is_there();
    Done decide_framing();
    Done take_chunk_size();

    bool is_answer_to_head_;
    BodyHandler on_body_;
    Stage stage_ = Stage::head;
    std::string line_;
    size_t head_size_ = 0;
    Http1Head head_;
    bool is_http_1_0_ = false;
    bool has_begun_ = false;
    bool keeps_alive_ = false;
    uint64_t left_ = 0;  // of the counted body or of the chunk
};
