#include "workers/common/https_exchange.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace {

constexpr const char* repeatable_methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

bool is_success(int status) {
    return status >= 200 && status < 300;
}

// Nothing of ours may end a header and begin another.
std::string without_breaks(std::string text) {
    text.erase(std::remove_if(text.begin(), text.end(),
                              [](char c) { return c == '\r' || c == '\n' || c == '\0'; }),
               text.end());
    return text;
}

}  // namespace

HttpsExchange::HttpsExchange(HttpsRequest request, Endpoint endpoint, HttpsClient::Handler handler)
    : request_(std::move(request)), endpoint_(std::move(endpoint)), handler_(std::move(handler)) {}

HttpsExchange::~HttpsExchange() {
    if (is_file_made_) unlink(request_.into_file.c_str());
}

std::string HttpsExchange::head() const {
    std::string text = request_.method + " " + endpoint_.target +
                       " HTTP/1.1\r\nHost: " + endpoint_.authority() + "\r\n";
    for (const auto& [name, value] : request_.headers)
        text += without_breaks(name) + ": " + without_breaks(value) + "\r\n";
    const bool expects_length = request_.method != "GET" && request_.method != "HEAD";
    if (!request_.body.empty() || expects_length)
        text += "Content-Length: " + std::to_string(body_size()) + "\r\n";
    return text + "\r\n";
}

uint64_t HttpsExchange::body_size() const {
    uint64_t size = 0;
    for (const BodyPiece& piece : request_.body)
        size += piece.file.empty() ? piece.bytes.size() : piece.size;
    return size;
}

void HttpsExchange::begin() {
    response_ = std::make_unique<Http1Response>(
        request_.method == "HEAD",
        [this](const Http1Head& head, std::string_view bytes) { return take_body(head, bytes); });
    unsent_ = head();
    sent_ = 0;
    piece_ = 0;
    source_.reset();
    source_left_ = 0;
    has_left_ = false;
    body_.clear();
    received_ = 0;
}

Result<std::string> HttpsExchange::next_bytes(size_t most) {
    std::string bytes;
    while (bytes.size() < most) {
        if (sent_ < unsent_.size()) {
            const size_t count = std::min(most - bytes.size(), unsent_.size() - sent_);
            bytes.append(unsent_, sent_, count);
            sent_ += count;
        } else if (source_) {
            const size_t count =
                static_cast<size_t>(std::min<uint64_t>(most - bytes.size(), source_left_));
            const size_t before = bytes.size();
            bytes.resize(before + count);
            const ssize_t got = count ? ::read(source_.get(), bytes.data() + before, count) : 0;
            if (count && got <= 0)
                return Error{Fault::no_storage, "a file to be sent became shorter meanwhile"};
            bytes.resize(before + static_cast<size_t>(got));
            source_left_ -= static_cast<uint64_t>(got);
            if (source_left_ == 0) source_.reset();
        } else if (piece_ < request_.body.size()) {
            const BodyPiece& piece = request_.body[piece_++];
            unsent_ = piece.file.empty() ? piece.bytes : std::string();
            sent_ = 0;
            if (piece.file.empty()) continue;
            source_ = Fd(::open(piece.file.c_str(), O_RDONLY | O_CLOEXEC));
            source_left_ = piece.size;
            if (!source_) return Error{Fault::no_storage, "a file to be sent is gone"};
        } else {
            break;
        }
    }
    return bytes;
}

Done HttpsExchange::feed(std::string_view bytes) {
    const Done done = response_->feed(bytes);
    if (done || done.error().fault != Fault::bad_message) return done;
    return Error{Fault::bad_message, endpoint_.host + ": " + done.error().what};
}

Done HttpsExchange::take_body(const Http1Head& head, std::string_view bytes) {
    received_ += bytes.size();
    if (received_ > request_.largest_answer)
        return Error{Fault::out_of_room, "the answer of " + endpoint_.host + " is larger than " +
                                             std::to_string(request_.largest_answer) + " bytes"};
    if (!request_.into_file.empty() && is_success(head.status)) return write_to_file(bytes);
    if (request_.on_body && is_success(head.status)) {
        request_.on_body(bytes);
        return {};
    }
    body_.append(bytes);
    return {};
}

Done HttpsExchange::write_to_file(std::string_view bytes) {
    if (!is_file_made_) {
        file_ =
            Fd(::open(request_.into_file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file_)
            return Error{Fault::no_storage, system_error("cannot make a file", errno).what, errno};
        is_file_made_ = true;
    }
    while (!bytes.empty()) {
        const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            return Error{Fault::no_storage, system_error("cannot write a file", errno).what, errno};
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

bool HttpsExchange::may_repeat() const {
    if (response_ && response_->has_begun()) return false;
    return !has_left_ || is_safe_to_repeat();
}

bool HttpsExchange::is_safe_to_repeat() const {
    if (request_.may_repeat) return true;
    return std::any_of(std::begin(repeatable_methods), std::end(repeatable_methods),
                       [this](const char* method) { return request_.method == method; });
}

HttpsOutcome HttpsExchange::succeed() {
    Http1Head& head = response_->head();
    if (!request_.into_file.empty() && is_success(head.status))
        if (const Done made = write_to_file({}); !made) return fail(made.error());  // an empty one
    file_.reset();
    is_file_made_ = false;  // it stays
    return {HttpsAnswer{head.status, std::move(head.headers), std::move(body_), received_}, false};
}

HttpsOutcome HttpsExchange::fail(Error error) {
    file_.reset();
    if (is_file_made_) unlink(request_.into_file.c_str());
    is_file_made_ = false;
    return {std::move(error), has_left_};
}
