#include "workers/tunnel/tailscale.h"

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace tunnel {

namespace {

using hardshell::proto::PublicUrl;
using std::chrono::milliseconds;

constexpr milliseconds soon_again{300};
constexpr milliseconds owner_period{5'000};
constexpr const char* where_keys_are =
    "set TS_AUTHKEY to an auth key of your tailnet (login.tailscale.com/admin/settings/keys)";

// The others of a large tailnet would be megabytes, each time.
std::vector<std::string> node_status() {
    return {"status", "--json", "--peers=false"};
}

std::string first_line(const CommandResult& result) {
    if (result.timed_out) return "no answer in time";
    const std::string& text = result.errors.empty() ? result.output : result.errors;
    return text.substr(0, std::min(text.find('\n'), size_t{300}));
}

}  // namespace

Tailscale::Tailscale(ProviderParts parts, Mode mode, std::string own_socket, std::string host_name)
    : parts_(std::move(parts)),
      mode_(mode),
      own_socket_(std::move(own_socket)),
      host_name_(std::move(host_name)),
      daemon_(parts_.loop,
              {[](Child::Stream, std::string_view line) { log_debug("tailscaled: {}", line); },
               [this](int code) { daemon_ended(code); }}),
      publisher_(parts_.loop, {[this](Child::Stream, std::string_view line) { said(line); },
                               [this](int code) { publisher_ended(code); }}),
      command_(parts_.loop) {}

// Relative to the state directory, which is the current one: a socket's path has to be short.
std::string Tailscale::socket() const {
    return has_own_daemon() ? parts_.folder + "/tailscaled.sock" : own_socket_;
}

ChildOrder Tailscale::command(std::vector<std::string> words) const {
    ChildOrder order;
    order.program = program_;
    order.arguments = {"--socket=" + socket()};
    order.arguments.insert(order.arguments.end(), words.begin(), words.end());
    for (const auto& [name, value] : parts_.environment)
        order.environment.push_back(name + "=" + value);
    return order;
}

// Without a path all that is served on the port goes, which on the owner's own node may be his.
std::vector<std::string> Tailscale::take_back() const {
    std::vector<std::string> words = {verb(), "--https=443"};
    if (!has_own_daemon()) words.push_back("--set-path=/");
    words.insert(words.end(), {"--yes", "off"});
    return words;
}

void Tailscale::ask(std::vector<std::string> words, Command::Done done) {
    command_.run(command(std::move(words)), command_time, std::move(done));
}

void Tailscale::start() {
    program_ = find_program("tailscale", parts_.path);
    const std::string daemon = has_own_daemon() ? find_program("tailscaled", parts_.path) : "-";
    if (program_.empty() || daemon.empty())
        return parts_.events.fatal(
            {Fault::bad_config,
             "tailscale is not installed: use the image with the agents of "
             "the tunnels (fly/README.md), or install it in /usr/local/bin"});
    stage_ = Stage::waking;
    up_since_ms_ = 0;
    waits_for_owner_ = took_back_ = tried_login_ = answers_ = false;
    vain_looks_ = 0;
    if (has_own_daemon() && !daemon_.is_running()) {
        ChildOrder order;
        order.program = daemon;
        order.arguments = {"--tun=userspace-networking",
                           "--statedir=" + parts_.absolute_folder + "/tailscale",
                           "--socket=" + socket(), "--port=0"};
        for (const auto& [name, value] : parts_.environment)
            order.environment.push_back(name + "=" + value);
        if (const Done started = daemon_.start(order); !started)
            return start_again(started.error().what);
    }
    wait_for_daemon("tailscaled is not ready after 30 s");
    look_at_node();
}

void Tailscale::wait_for_daemon(const std::string& why) {
    answers_ = false;
    deadline_ = parts_.loop.after(start_time, [this, why] { daemon_is_late(why); });
}

void Tailscale::daemon_is_late(std::string why) {
    if (answers_) return start_again(why);
    replace_daemon(why);
}

void Tailscale::look_at_node() {
    ask(node_status(), [this](const CommandResult& result) { saw_node(result); });
}

// The command says with its exit code that the node is not connected, and answers all the same.
void Tailscale::saw_node(const CommandResult& result) {
    const auto node = read_node_status(result.output);
    answers_ = answers_ || node;
    if (!node || node->backend == "NoState" || node->backend == "Starting") {
        if (!deadline_) wait_for_daemon("tailscaled does not answer any more");
        timer_ = parts_.loop.after(soon_again, [this] { look_at_node(); });
        return;
    }
    if (node->backend != "Running") return needs_login(*node);
    if (node->host.empty()) {
        timer_ = parts_.loop.after(soon_again, [this] { look_at_node(); });
        return;
    }
    host_ = node->host;
    if (!node->has_certificates)
        log_warn(
            "this tailnet gives out no HTTPS certificates: enable MagicDNS and HTTPS in "
            "login.tailscale.com/admin/dns");
    publish();
}

void Tailscale::needs_login(const NodeStatus& node) {
    const bool may_log_in = has_own_daemon() && !tried_login_;
    if (may_log_in && (!parts_.secret.empty() || node.backend == "Stopped"))
        return log_in(!parts_.secret.empty());
    if (has_own_daemon() && node.backend == "NeedsLogin" && parts_.secret.empty())
        return parts_.events.fatal(
            {Fault::bad_credentials,
             std::string("this machine is not in a tailnet yet, or its key has expired: ") +
                 where_keys_are});
    deadline_.reset();
    const std::string where = node.auth_url.empty() ? "" : " (" + node.auth_url + ")";
    become({PublicUrl::DOWN,
            {},
            node.backend == "NeedsMachineAuth"
                ? "this machine waits for approval in login.tailscale.com/admin/machines"
                : "Tailscale is " + node.backend + where + ": log in with `tailscale up`"});
    timer_ = parts_.loop.after(owner_period, [this] { look_at_node(); });
}

void Tailscale::log_in(bool with_key) {
    tried_login_ = true;
    stage_ = Stage::logging_in;
    deadline_.reset();
    std::vector<std::string> words = {"up"};
    if (with_key) words.push_back("--auth-key=file:/proc/self/fd/3");
    words.insert(words.end(), {"--hostname=" + host_name_, "--timeout=30s"});
    ChildOrder order = command(std::move(words));
    if (with_key) order.secret = parts_.secret.reveal();
    command_.run(order, login_time, [this](const CommandResult& result) { logged_in(result); });
}

void Tailscale::logged_in(const CommandResult& result) {
    stage_ = Stage::waking;
    if (result.code == 0) {
        wait_for_daemon("the node is not connected 30 s after its login");
        return look_at_node();
    }
    const std::string said = result.errors + result.output;
    if (is_about_the_key(said))
        return parts_.events.fatal(
            {Fault::bad_credentials,
             "Tailscale refuses the key (" + first_line(result) + "): " + where_keys_are});
    start_again("tailscale up: " + first_line(result));
}

void Tailscale::publish() {
    stage_ = Stage::publishing;
    last_line_.clear();
    const Done started = publisher_.start(command(
        {verb(), "--https=443", "--yes", "http://127.0.0.1:" + std::to_string(parts_.port)}));
    if (!started) return start_again(started.error().what);
    deadline_ = parts_.loop.after(publish_time, [this] {
        start_again("Tailscale has not published after 75 s" +
                    (last_line_.empty() ? "" : ": " + last_line_));
    });
    timer_ = parts_.loop.after(soon_again, [this] { look_at_served(); });
}

// It says so and waits: what it is waiting for is the owner's to do.
void Tailscale::said(std::string_view line) {
    if (line.empty()) return;
    log_debug("tailscale {}: {}", verb(), line);
    last_line_ = line.substr(0, 300);
    const auto where = enable_url_in(line);
    if (!where) return;
    waits_for_owner_ = true;
    deadline_.reset();
    become({PublicUrl::DOWN,
            {},
            std::string(mode_ == Mode::funnel ? "Funnel" : "Serve") +
                " is not enabled in this tailnet: allow it at " + *where});
}

void Tailscale::look_at_served() {
    ask({"serve", "status", "--json"}, [this](const CommandResult& result) { saw_served(result); });
}

void Tailscale::saw_served(const CommandResult& result) {
    const auto served = read_serve_status(result.output, host_, parts_.port);
    const bool is_there =
        served && served->is_served && (mode_ == Mode::serve || served->is_public);
    if (stage_ == Stage::publishing) {
        if (is_there) return is_up();
        if (!served && !deadline_) wait_for_daemon("tailscaled does not answer any more");
        if (served && waits_for_owner_) deadline_.reset();
        timer_ = parts_.loop.after(waits_for_owner_ ? owner_period : soon_again,
                                   [this] { look_at_served(); });
        return;
    }
    if (stage_ != Stage::up) return;
    if (!is_there)
        return looked_in_vain(served ? "Tailscale runs, and serves nothing of ours"
                                     : "tailscaled does not say what it serves: " +
                                           first_line(result));
    vain_looks_ = 0;
    is_up();
    timer_ = parts_.loop.after(look_period, [this] { look(); });
}

void Tailscale::is_up() {
    deadline_.reset();
    if (stage_ != Stage::up) {
        stage_ = Stage::up;
        up_since_ms_ = monotonic_ms();
        timer_ = parts_.loop.after(look_period, [this] { look(); });
    }
    become({PublicUrl::UP, "https://" + host_, {}});
}

void Tailscale::look() {
    ask(node_status(), [this](const CommandResult& result) {
        const auto node = read_node_status(result.output);
        if (node && node->backend == "Running") {
            if (!node->host.empty()) host_ = node->host;
            return look_at_served();
        }
        if (!node) return looked_in_vain("tailscaled does not answer");
        if (node->backend == "NeedsLogin" && has_own_daemon() && !parts_.secret.empty())
            return start_again("the key of this node has expired, and it has to log in again");
        become({PublicUrl::DEGRADED, state_.url,
                "Tailscale is " + node->backend +
                    (node->backend == "NeedsLogin" ? std::string("; ") + where_keys_are : "")});
        timer_ = parts_.loop.after(look_period, [this] { look(); });
    });
}

// Published anew when that does not pass; the daemon is replaced when it is silent then, too.
void Tailscale::looked_in_vain(const std::string& why) {
    if (++vain_looks_ >= most_vain_looks) return start_again(why);
    become({PublicUrl::DEGRADED, state_.url, why});
    timer_ = parts_.loop.after(look_period, [this] { look(); });
}

void Tailscale::publisher_ended(int code) {
    if (stage_ == Stage::stopping) return check_nothing_is_served();
    if (stage_ != Stage::publishing && stage_ != Stage::up) return;
    const bool is_older = is_about_an_older_configuration(last_line_);
    if (is_older && has_own_daemon() && !took_back_) return take_back_older();
    start_again("tailscale " + std::string(verb()) + " ended with code " + std::to_string(code) +
                (last_line_.empty() ? "" : ": " + last_line_));
}

// Of an earlier life, or another program's that used this node: it would stay public without us.
void Tailscale::take_back_older() {
    took_back_ = true;
    command_.cancel();
    timer_ = parts_.loop.after(
        soon_again, [this] { ask(take_back(), [this](const CommandResult&) { publish(); }); });
}

void Tailscale::become(TunnelState next) {
    if (next == state_) return;
    if (next.state == PublicUrl::UP)
        log_info("tailscale {} enabled: {}/", verb(), next.url);
    else if (!next.problem.empty())
        log_warn("{}", next.problem);
    state_ = std::move(next);
    parts_.events.changed(state_);
}

// The daemon stays: it is slow to start, and has done nothing wrong unless it has ended, or says
// nothing.
void Tailscale::start_again(const std::string& why) {
    tear_down();
    const auto wait = pacing_.after(up_since_ms_ == 0 ? 0 : monotonic_ms() - up_since_ms_);
    become({PublicUrl::DOWN,
            {},
            why + "; it is tried again in " + std::to_string(wait.count() / 1000) + " s"});
    timer_ = parts_.loop.after(wait, [this] { start(); });
}

// It runs and says nothing. The owner's own is his to start anew.
void Tailscale::replace_daemon(const std::string& why) {
    if (!daemon_.is_running()) return start_again(why);
    tear_down();
    silence_ = why;
    daemon_.end(stop_time);
}

void Tailscale::daemon_ended(int code) {
    if (stage_ == Stage::stopping) return finish_stop();
    const std::string why = std::exchange(silence_, {});
    start_again(why.empty() ? "tailscaled ended with code " + std::to_string(code) : why);
}

void Tailscale::tear_down() {
    stage_ = Stage::down;
    deadline_.reset();
    timer_.reset();
    command_.cancel();
    publisher_.kill_now();
}

void Tailscale::stop(std::function<void()> done) {
    stopped_ = std::move(done);
    deadline_.reset();
    timer_.reset();
    command_.cancel();
    stage_ = Stage::stopping;
    if (publisher_.is_running()) return publisher_.end(stop_time);
    parts_.loop.soon([this] { check_nothing_is_served(); });
}

void Tailscale::check_nothing_is_served() {
    if (program_.empty() || host_.empty()) return end_daemon();
    // One that is just being killed has to be collected before the next.
    if (command_.is_running()) {
        timer_ = parts_.loop.after(milliseconds(10), [this] { check_nothing_is_served(); });
        return;
    }
    ask({"serve", "status", "--json"}, [this](const CommandResult& result) {
        const auto served = read_serve_status(result.output, host_, parts_.port);
        if (!served || !served->is_served) return end_daemon();
        log_warn("what was published is still there; it is taken back");
        ask(take_back(), [this](const CommandResult& off) {
            if (off.code != 0)
                log_error("tailscale {} off failed, {} may still lead here: {}", verb(), host_,
                          first_line(off));
            end_daemon();
        });
    });
}

void Tailscale::end_daemon() {
    if (daemon_.is_running()) return daemon_.end(stop_time);
    finish_stop();
}

void Tailscale::finish_stop() {
    if (const auto done = std::exchange(stopped_, nullptr)) done();
}

}  // namespace tunnel
