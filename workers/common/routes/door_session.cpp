#include "workers/common/routes/door_session.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace {

constexpr uint64_t most_discarded = 2u << 20;
constexpr int64_t away_log_ms = 60'000;

// About this connection only, or a credential of the gateway's.
constexpr std::string_view kept_back[] = {
    "connection",          "keep-alive", "proxy-connection", "te",      "trailer",
    "proxy-authorization", "cookie",     "authorization",    "upgrade", "x-openclaw-token"};

std::string head_for_owner(const RequestHead& head, bool is_websocket) {
    std::string text = head.method + " " + head.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : head.headers) {
        const bool stays = std::none_of(
            std::begin(kept_back), std::end(kept_back),
            [&, &own = name](std::string_view other) { return same_header_name(own, other); });
        if (stays) text += name + ": " + value + "\r\n";
    }
    text +=
        is_websocket ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "Connection: close\r\n";
    return text + "\r\n";
}

}  // namespace

DoorSession::DoorSession(Loop& loop, PathDoor& door, Fd connection)
    : loop_(loop),
      door_(door),
      client_(loop, [this](unsigned events) { client_is_ready(events); }),
      owner_(loop, [this](unsigned events) { owner_is_ready(events); }) {
    client_.open(std::move(connection));
}

DoorSession::~DoorSession() = default;

void DoorSession::begin() {
    door_.is_early(*this);
    end_after(head_time);
    read_head();
    if (!has_ended_ && stage_ == Stage::head) client_.want(Loop::readable);
}

void DoorSession::end() {
    if (std::exchange(has_ended_, true)) return;
    deadline_.reset();
    client_.close();
    owner_.close();
    give_place_back();
    door_.forget(*this);
}

void DoorSession::give_place_back() {
    if (row_) --row_->open;
    row_ = nullptr;
}

void DoorSession::end_after(std::chrono::milliseconds time) {
    deadline_ = loop_.after(time, [this] { end(); });
}

void DoorSession::client_is_ready(unsigned events) {
    if (has_ended_) return;
    if (stage_ == Stage::head) return read_head();
    if (stage_ == Stage::rest) {
        if (events & Loop::writable) return pass_on();
        std::string rest;
        const ptrdiff_t got = client_.read(rest, most_held);
        discarded_ += rest.size();
        if (got < 0 || discarded_ > most_discarded) end();
        return;
    }
    if (events & Loop::readable) read_body();
    if (!has_ended_) pass_on();
}

void DoorSession::owner_is_ready(unsigned events) {
    if (has_ended_ || stage_ != Stage::exchange) return;
    if (events & Loop::readable) read_answer();
    if (!has_ended_) pass_on();
}

void DoorSession::read_head() {
    const ptrdiff_t got = client_.read(incoming_, RequestHead::most_bytes - incoming_.size());
    if (got < 0) return end();
    HeadReading reading = read_request_head(incoming_);
    if (reading.refusal != 0) return refuse(reading.refusal);
    if (!reading.head) return;
    door_.is_past_its_head(*this);
    incoming_.erase(0, reading.size);
    hand_on(std::move(*reading.head));
}

int DoorSession::refusal_of(const RequestHead& head, const PathDoor::Row& row) const {
    if (row.path.websocket()) {
        if (head.method != "GET" || head.body_bytes > 0) return 405;
        return head.opens_websocket ? 0 : 426;
    }
    if (head.method != "POST") return 405;
    return head.body_bytes > row.path.largest_body() ? 413 : 0;
}

void DoorSession::hand_on(RequestHead head) {
    PathDoor::Row* row = door_.row_of(head.path());
    if (!row) return refuse(404);
    if (const int status = refusal_of(head, *row); status == 405)
        return refuse(405, {}, row->path.websocket() ? "Allow: GET\r\n" : "Allow: POST\r\n");
    else if (status != 0)
        return refuse(status, {}, status == 426 ? "Upgrade: websocket\r\n" : "");
    if (row->open >= row->path.most_connections())
        return refuse(503, "too many requests are under way; try again", "Retry-After: 1\r\n");
    ++row->open;
    row_ = row;
    if (const Done connected = connect_to_owner(); !connected)
        return owner_is_away(503, connected.error().what);
    ++door_.count().handed_on;
    stage_ = Stage::exchange;
    to_owner_ = head_for_owner(head, row->path.websocket());
    body_left_ = head.body_bytes;
    const size_t there = std::min<uint64_t>(body_left_, incoming_.size());
    to_owner_.append(incoming_, 0, there);
    body_left_ -= there;
    // What a client sends before its WebSocket is open waits; behind a body nothing is expected.
    incoming_.erase(0, there);
    if (body_left_ == 0)
        expect_answer();
    else
        end_after(body_time + std::chrono::seconds(body_left_ / body_bytes_per_second));
    pass_on();
}

Done DoorSession::connect_to_owner() {
    const std::string& worker = row_->path.worker();
    const std::string path = door_.socket_of(worker);
    if (path.empty()) return Error{Fault::unreachable, worker + " does not run"};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error{Fault::bad_config, "the path " + path + " is too long for a socket"};
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error("cannot make a socket", errno);
    // At once, whatever comes of it: there is no network between.
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error(worker + " cannot be reached", errno);
    owner_.open(std::move(socket));
    return {};
}

void DoorSession::expect_answer() {
    if (is_answered_) return;
    deadline_ = loop_.after(std::chrono::milliseconds(row_->path.answer_ms()), [this] {
        owner_is_away(504, row_->path.worker() + " does not answer");
    });
}

void DoorSession::read_body() {
    if (is_stream_) {
        if (client_.read(to_owner_, most_held - std::min(to_owner_.size(), most_held)) < 0)
            client_ended_ = true;
        return;
    }
    const uint64_t room = most_held - std::min(to_owner_.size(), most_held);
    const size_t before = to_owner_.size();
    if (client_.read(to_owner_, std::min(body_left_, room)) < 0) return end();
    body_left_ -= to_owner_.size() - before;
    if (owner_deaf_) to_owner_.clear();
    if (body_left_ == 0) expect_answer();
}

void DoorSession::read_answer() {
    std::string& into = is_answered_ ? to_client_ : early_answer_;
    const ptrdiff_t got = owner_.read(into, most_held - std::min(into.size(), most_held));
    if (got < 0) owner_ended_ = true;
    if (!is_answered_ && !read_first_line()) return;
    if (owner_ended_ && !is_answered_)
        return owner_is_away(502, row_->path.worker() + " closed without an answer");
    if (got > 0 && is_answered_ && !is_stream_) end_after(reader_patience);
}

// False: the session is over.
bool DoorSession::read_first_line() {
    constexpr std::string_view version = "HTTP/1.1 ";
    constexpr size_t enough = version.size() + 3;
    while (early_answer_.size() >= enough) {
        const std::string_view answer = early_answer_;
        int status = 0;
        for (const char digit : answer.substr(version.size(), 3))
            status = digit >= '0' && digit <= '9' ? status * 10 + (digit - '0') : -1'000;
        const bool is_odd = !answer.starts_with(version) || status < 100 ||
                            (status == 101 && !row_->path.websocket());
        if (is_odd) {
            owner_is_away(502, row_->path.worker() + " answers what is no HTTP");
            return false;
        }
        if (status != 100) {
            begin_answer(status);
            return true;
        }
        const size_t end = answer.find("\r\n\r\n");
        if (end == std::string_view::npos) return true;
        to_client_.append(answer.substr(0, end + 4));
        early_answer_.erase(0, end + 4);
    }
    return true;
}

void DoorSession::begin_answer(int status) {
    is_answered_ = true;
    to_client_ += std::exchange(early_answer_, {});
    is_stream_ = status == 101;
    end_after(reader_patience);
    if (!is_stream_) return;
    deadline_.reset();
    client_.notice_death();
    to_owner_ += std::exchange(incoming_, {});
}

// Of a stream, who does not take what waits for it holds a place that others need; a little taken
// now and then gives no more time.
void DoorSession::limit_reader() {
    if (to_client_.empty())
        deadline_.reset();
    else if (!deadline_)
        end_after(stream_reader_patience);
}

void DoorSession::pass_on() {
    if (stage_ == Stage::exchange && !owner_.write(to_owner_)) {
        owner_deaf_ = true;  // its answer may be there all the same
        to_owner_.clear();
    }
    const size_t waiting = to_client_.size();
    if (!client_.write(to_client_)) return end();
    if (stage_ == Stage::rest) {
        if (to_client_.empty() && waiting > 0) answer_is_out();
        client_.want(to_client_.empty() ? Loop::readable : Loop::writable);
        return;
    }
    if (is_stream_) limit_reader();
    if (is_answered_ && !is_stream_ && to_client_.size() < waiting) end_after(reader_patience);
    if (client_ended_ && to_owner_.empty()) return end();
    if (!owner_ended_ || !to_client_.empty()) return watch_both();
    // With nothing of the request unread the kernel brings the answer to its end by itself.
    if (is_stream_ || body_left_ == 0) return end();
    stage_ = Stage::rest;
    answer_is_out();
    client_.want(Loop::readable);
}

// The client is let finish its request: a connection closed on it would take the answer away.
void DoorSession::answer_is_out() {
    owner_.close();
    give_place_back();
    client_.end_writing();
    end_after(rest_time);
}

void DoorSession::watch_both() {
    const bool wants_body = (is_stream_ ? !client_ended_ && !owner_deaf_ : body_left_ > 0) &&
                            to_owner_.size() < most_held;
    client_.want((wants_body ? Loop::readable : 0u) | (to_client_.empty() ? 0u : Loop::writable));
    const bool wants_answer = !owner_ended_ && to_client_.size() < most_held;
    owner_.want((wants_answer ? Loop::readable : 0u) | (to_owner_.empty() ? 0u : Loop::writable));
}

void DoorSession::refuse(int status, std::string_view text, std::string_view more) {
    door_.is_past_its_head(*this);
    if (stage_ == Stage::head) ++door_.count().refused;
    owner_.close();
    stage_ = Stage::rest;
    const std::string body(text.empty() ? reason_phrase(status) : text);
    to_client_ += "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_phrase(status)) +
                  "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\nCache-Control: no-store\r\n" +
                  std::string(more) + "Connection: close\r\n\r\n" + body;
    end_after(rest_time);
    pass_on();
}

void DoorSession::owner_is_away(int status, const std::string& why) {
    ++door_.count().unanswered;
    if (const int64_t now = monotonic_ms(); now - row_->said_away_ms >= away_log_ms) {
        row_->said_away_ms = now;
        log_warn("a request for {} was answered {}: {}", row_->path.path(), status, why);
    }
    refuse(status, {}, "Retry-After: 1\r\n");
}
