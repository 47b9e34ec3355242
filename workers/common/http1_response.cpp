#include "workers/common/http1_response.h"

#include <algorithm>
#include <charconv>

namespace {

// What real services send is below a tenth of it.
constexpr size_t largest_head = 64 * 1024;

Error no_http(std::string what) {
    return {Fault::bad_message, std::move(what)};
}

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& c : made)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return made;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Whether a comma-separated header has that element, in any case.
bool has_element(std::string_view list, std::string_view element) {
    const std::string all = lower(list);
    size_t begin = 0;
    while (begin <= all.size()) {
        const size_t end = std::min(all.find(',', begin), all.size());
        if (trimmed(std::string_view(all).substr(begin, end - begin)) == element) return true;
        begin = end + 1;
    }
    return false;
}

bool read_number(std::string_view text, int base, uint64_t& number) {
    if (text.empty() || text.size() > 18) return false;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string_view Http1Head::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

Http1Response::Http1Response(bool is_answer_to_head, BodyHandler on_body)
    : is_answer_to_head_(is_answer_to_head), on_body_(std::move(on_body)) {}

Done Http1Response::feed(std::string_view bytes) {
    if (!bytes.empty()) has_begun_ = true;
    while (!bytes.empty()) {
        if (stage_ == Stage::complete) {
            keeps_alive_ = false;
            return {};
        }
        if (const Done done = take(bytes); !done) return done;
    }
    return {};
}

Done Http1Response::end_of_stream() {
    keeps_alive_ = false;
    if (stage_ == Stage::complete) return {};
    if (stage_ != Stage::to_the_end)
        return Error{Fault::unreachable, "the connection ended in the middle of the answer"};
    stage_ = Stage::complete;
    return {};
}

Done Http1Response::take(std::string_view& bytes) {
    switch (stage_) {
        case Stage::counted:
        case Stage::to_the_end:
        case Stage::chunk:
            return take_body(bytes);
        default:
            break;
    }
    const Result<bool> line = take_line(bytes);
    if (!line) return line.error();
    if (!*line) return {};
    Done done;
    switch (stage_) {
        case Stage::head:
            done = take_head_line();
            break;
        case Stage::chunk_size:
            done = take_chunk_size();
            break;
        case Stage::chunk_end:
            if (!line_.empty()) return no_http("a chunk is longer than it says");
            stage_ = Stage::chunk_size;
            break;
        default:  // trailers are of no use to anybody here
            if (line_.empty()) stage_ = Stage::complete;
    }
    line_.clear();
    return done;
}

Result<bool> Http1Response::take_line(std::string_view& bytes) {
    const size_t end = bytes.find('\n');
    const size_t count = end == std::string_view::npos ? bytes.size() : end;
    head_size_ += count + 1;
    if (head_size_ > largest_head) return no_http("the head of the answer is too large");
    line_.append(bytes.substr(0, count));
    bytes.remove_prefix(end == std::string_view::npos ? count : count + 1);
    if (end == std::string_view::npos) return false;
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    return true;
}

Done Http1Response::take_body(std::string_view& bytes) {
    size_t count = bytes.size();
    if (stage_ != Stage::to_the_end) count = static_cast<size_t>(std::min<uint64_t>(count, left_));
    const std::string_view piece = bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (stage_ != Stage::to_the_end && (left_ -= count) == 0)
        stage_ = stage_ == Stage::chunk ? Stage::chunk_end : Stage::complete;
    return on_body_(head_, piece);
}

Done Http1Response::take_head_line() {
    if (line_.empty() && head_.status != 0) return head_is_there();
    return head_.status == 0 ? take_status_line() : take_header();
}

Done Http1Response::take_status_line() {
    const std::string_view line = line_;
    const bool is_1_1 = line.substr(0, 9) == "HTTP/1.1 ";
    is_http_1_0_ = line.substr(0, 9) == "HTTP/1.0 ";
    uint64_t status = 0;
    if ((!is_1_1 && !is_http_1_0_) || line.size() < 12 || (line.size() > 12 && line[12] != ' ') ||
        !read_number(line.substr(9, 3), 10, status) || status < 100)
        return no_http("the answer is no HTTP/1.1");
    head_.status = static_cast<int>(status);
    return {};
}

Done Http1Response::take_header() {
    const std::string_view line = line_;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 ||
        line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)
        return no_http("the answer has a header that is none");
    head_.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    return {};
}

Done Http1Response::head_is_there() {
    if (head_.status == 101) return no_http("the answer changes the protocol, unasked");
    if (head_.status >= 200) return decide_framing();
    head_ = {};  // an interim answer: the real one follows
    return {};
}

Done Http1Response::decide_framing() {
    head_size_ = 0;
    const std::string_view connection = head_.header("connection");
    keeps_alive_ =
        is_http_1_0_ ? has_element(connection, "keep-alive") : !has_element(connection, "close");
    if (is_answer_to_head_ || head_.status == 204 || head_.status == 304) {
        stage_ = Stage::complete;
        return {};
    }
    const std::string_view coding = head_.header("transfer-encoding");
    if (!coding.empty()) {
        if (lower(coding) != "chunked") return no_http("the answer has an unknown coding");
        stage_ = Stage::chunk_size;
        return {};
    }
    const std::string_view length = head_.header("content-length");
    if (length.empty()) {
        stage_ = Stage::to_the_end;
        keeps_alive_ = false;
        return {};
    }
    if (!read_number(length, 10, left_)) return no_http("the length of the answer is no number");
    for (const auto& [name, value] : head_.headers)
        if (name == "content-length" && value != length)
            return no_http("the answer has two lengths");
    stage_ = left_ == 0 ? Stage::complete : Stage::counted;
    return {};
}

Done Http1Response::take_chunk_size() {
    head_size_ = 0;
    const std::string_view line = line_;
    if (!read_number(trimmed(line.substr(0, line.find(';'))), 16, left_))
        return no_http("the length of a chunk is no number");
    stage_ = left_ == 0 ? Stage::trailer : Stage::chunk;
    return {};
}
