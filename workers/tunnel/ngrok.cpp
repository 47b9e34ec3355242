#include "workers/tunnel/ngrok.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace tunnel {

namespace {

using hardshell::proto::PublicUrl;

constexpr int api_port = 4041;  // not ngrok's usual one, which another agent may have

// It repeats the token that it refuses, and half of one, where a line is cut, nobody would mask.
std::string without(const Secret& secret, std::string_view line) {
    constexpr std::string_view mask = "***";
    std::string text(line);
    const std::string& token = secret.reveal();
    if (token.size() <= mask.size()) return text;
    for (size_t at = 0; (at = text.find(token, at)) != std::string::npos; at += mask.size())
        text.replace(at, token.size(), mask);
    return text;
}

// It ends with the same error twice: in a line of its log, and for people in several lines of which
// one has the code and nothing else.
bool says_more(const NgrokLine& line, const NgrokLine& before) {
    if (line.code == 0) return false;
    return line.code != before.code || line.text.size() > before.text.size();
}

}  // namespace

Ngrok::Ngrok(ProviderParts parts, std::string domain)
    : parts_(std::move(parts)),
      domain_(std::move(domain)),
      child_(parts_.loop, {[this](Child::Stream, std::string_view line) { read(line); },
                           [this](int code) { ended(code); }}),
      api_(parts_.loop) {}

void Ngrok::start() {
    if (parts_.secret.empty())
        return parts_.events.fatal(
            {Fault::bad_credentials,
             "no token for ngrok: set plugins.entries.voice-call.config.tunnel.ngrokAuthToken or "
             "NGROK_AUTHTOKEN (dashboard.ngrok.com/get-started/your-authtoken)"});
    program_ = find_program("ngrok", parts_.path);
    if (program_.empty())
        return parts_.events.fatal({Fault::bad_config,
                                    "ngrok is not installed: use the image with the agents of the "
                                    "tunnels (fly/README.md), or install it in /usr/local/bin"});
    up_since_ms_ = 0;
    last_error_.reset();
    too_late_ = false;
    api_port_ = 0;
    silent_looks_ = 0;
    Done begun = write_settings();
    if (begun) begun = child_.start(order());
    if (!begun) return start_again(begun.error().what, {});
    timer_ = parts_.loop.after(start_time, [this] {
        too_late_ = true;
        child_.end(stop_time);
    });
}

// Where it would otherwise look is a file that people may have filled with other things.
Done Ngrok::write_settings() const {
    const std::string path = parts_.folder + "/ngrok.yml";
    const std::string api =
        parts_.loopback_is_shared ? "false" : "127.0.0.1:" + std::to_string(api_port);
    const std::string text = "version: 3\nagent:\n  web_addr: " + api + "\n  update_check: false\n";
    const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error("cannot write " + path, errno);
    return {};
}

ChildOrder Ngrok::order() const {
    ChildOrder order;
    order.program = program_;
    order.arguments = {"http",           "http://127.0.0.1:" + std::to_string(parts_.port),
                       "--config",       parts_.folder + "/ngrok.yml",
                       "--log",          "stdout",
                       "--log-format",   "json",
                       "--log-level",    "info",
                       "--inspect=false"};
    if (!domain_.empty()) {
        const bool is_whole = domain_.find("://") != std::string::npos;
        order.arguments.insert(order.arguments.end(),
                               {"--url", is_whole ? domain_ : "https://" + domain_});
    }
    for (const auto& [name, value] : parts_.environment)
        order.environment.push_back(name + "=" + value);
    order.environment.push_back("NGROK_AUTHTOKEN=" + parts_.secret.reveal());
    return order;
}

void Ngrok::read(std::string_view text) {
    NgrokLine line = read_ngrok_line(without(parts_.secret, text));
    switch (line.what) {
        case NgrokLine::What::nothing:
            return;
        case NgrokLine::What::api:
            api_port_ = loopback_port_in(line.text);
            return;
        case NgrokLine::What::up:
            return is_the_one(line.text) ? is_up(line.text) : void();
        case NgrokLine::What::back:
            return is_back();
        case NgrokLine::What::lost:
            if (state_.state == PublicUrl::UP)
                become(
                    {PublicUrl::DEGRADED, state_.url,
                     "ngrok has lost its connection and tries to get it back (" + line.text + ")"});
            return;
        case NgrokLine::What::error:
            log_debug("ngrok: {}", line.text);
            if (!last_error_ || says_more(line, *last_error_)) last_error_ = std::move(line);
            // It would ask for ever, and be refused.
            if (state_.state == PublicUrl::DEGRADED && last_error_->code != 0 &&
                judge_ngrok(last_error_->code, last_error_->text).fatal)
                child_.end(stop_time);
            return;
    }
}

// Older versions open the same tunnel without encryption, too, and say so before or afterwards.
bool Ngrok::is_the_one(const std::string& url) const {
    return url.starts_with("https://") || domain_.starts_with("http://");
}

// Whether it says the address again when its connection is back depends on its version.
void Ngrok::is_back() {
    if (state_.state != PublicUrl::DEGRADED) return;
    if (api_port_ != 0) return look();
    is_up(state_.url);
}

void Ngrok::is_up(const std::string& url) {
    timer_.reset();
    if (up_since_ms_ == 0) up_since_ms_ = monotonic_ms();
    last_error_.reset();
    become({PublicUrl::UP, url, {}});
    if (!looks_ && api_port_ != 0) looks_ = parts_.loop.every(look_period, [this] { look(); });
}

void Ngrok::become(TunnelState next) {
    if (next == state_) return;
    if (next.state == PublicUrl::UP)
        log_info("ngrok tunnel active: {}", next.url);
    else if (!stopped_)
        log_warn("{}", next.problem);
    state_ = std::move(next);
    parts_.events.changed(state_);
}

void Ngrok::look() {
    api_.ask(api_port_, "/api/tunnels", answer_time,
             [this](bool ok, const std::string& json) { looked(ok, json); });
}

// An empty list is what it shows while it is not connected.
void Ngrok::looked(bool ok, const std::string& json) {
    const auto urls = ok ? ngrok_urls(json) : std::nullopt;
    if (!urls) {
        if (++silent_looks_ == most_silent_looks)
            become({PublicUrl::DEGRADED, state_.url, "the agent of ngrok does not answer"});
        if (silent_looks_ == silent_for_good) child_.end(stop_time);
        return;
    }
    silent_looks_ = 0;
    if (urls->empty())
        return become({PublicUrl::DEGRADED, state_.url,
                       "ngrok has no tunnel open: it is looking for its connection"});
    is_up(urls->front());
}

void Ngrok::ended(int code) {
    timer_.reset();
    looks_.reset();
    api_.cancel();
    if (stopped_) {
        become({});
        return std::exchange(stopped_, nullptr)();
    }
    if (silent_looks_ >= silent_for_good)
        return start_again("the agent of ngrok did not answer any more", {});
    if (too_late_ && (!last_error_ || last_error_->code == 0))
        return start_again(
            "ngrok startup timed out (30s)" + (last_error_ ? ": " + last_error_->text : ""), {});
    if (!last_error_)
        return start_again("ngrok exited unexpectedly with code " + std::to_string(code), {});
    const NgrokVerdict verdict = judge_ngrok(last_error_->code, last_error_->text);
    if (verdict.fatal) {
        become({PublicUrl::DOWN, {}, verdict.fatal->what});
        return parts_.events.fatal(*verdict.fatal);
    }
    start_again("ngrok ended: " + last_error_->text, verdict.least_wait);
}

void Ngrok::start_again(const std::string& why, std::chrono::milliseconds least_wait) {
    const auto wait =
        std::max(least_wait, pacing_.after(up_since_ms_ == 0 ? 0 : monotonic_ms() - up_since_ms_));
    become({PublicUrl::DOWN,
            {},
            why + "; it is started again in " + std::to_string(wait.count() / 1000) + " s"});
    timer_ = parts_.loop.after(wait, [this] { start(); });
}

void Ngrok::stop(std::function<void()> done) {
    timer_.reset();
    looks_.reset();
    api_.cancel();
    if (!child_.is_running()) return parts_.loop.soon(std::move(done));
    stopped_ = std::move(done);
    child_.end(stop_time);
}

}  // namespace tunnel
