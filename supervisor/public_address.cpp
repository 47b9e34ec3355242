#include "supervisor/public_address.h"

#include <algorithm>
#include <string_view>

#include "supervisor/worker_state.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/stable_bytes.h"

namespace supervisor {

namespace {

using hardshell::proto::PublicUrl;

constexpr size_t longest_url = 300;
constexpr size_t longest_text = 500;

bool is_told(const WorkerProcess& worker) {
    return worker.kind().sees_all || worker.plan().settings().doors_size() > 0;
}

std::string last_end_of(const WorkerProcess& worker) {
    const std::string& end = worker.last_end();
    return end.empty() ? "" : ": " + end;
}

}  // namespace

bool is_origin(const std::string& url) {
    const std::string_view text = url;
    const size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
    const std::string_view host = text.substr(scheme);
    return scheme > 0 && !host.empty() && text.size() <= longest_url &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == ':';
           });
}

void PublicAddress::said_by(const WorkerProcess& worker, PublicUrl url) {
    if (!is_running(worker.state())) return;
    if (!url.url().empty() && !is_origin(url.url())) {
        log_.say("error", worker.name() + " names an address that is none; it is not passed on");
        url.set_state(PublicUrl::DOWN);
        url.clear_url();
    }
    url.set_problem(log_.masked(url.problem()).substr(0, longest_text));
    url.set_provider(url.provider().substr(0, 32));
    become(std::move(url));
}

const WorkerProcess* PublicAddress::publisher() const {
    for (const auto& worker : workers_)
        if (worker->kind().extra.may_publish && is_planned_(worker->name())) return worker.get();
    return nullptr;
}

void PublicAddress::look_at_workers() {
    const WorkerProcess* worker = publisher();
    if (worker && is_running(worker->state())) return;
    PublicUrl down;
    if (worker) {
        down.set_provider(url_.provider());
        down.set_problem(worker->name() + " does not run" + last_end_of(*worker));
    }
    become(std::move(down));
}

void PublicAddress::become(PublicUrl next) {
    next.set_changed_ms(url_.changed_ms());
    next.set_changes(url_.changes());
    if (stable_bytes(next) == stable_bytes(url_)) return;
    next.set_changed_ms(wall_ms());
    if (!next.url().empty() && next.url() != last_url_) {
        if (!last_url_.empty()) next.set_changes(url_.changes() + 1);
        last_url_ = next.url();
    }
    url_ = std::move(next);
    for (const auto& worker : workers_)
        if (is_told(*worker)) worker->tell_public_url(url_);
}

std::optional<PublicUrl> PublicAddress::for_worker(const WorkerProcess& worker) const {
    if (!is_told(worker)) return {};
    return url_;
}

std::optional<PublicUrl> PublicAddress::now() const {
    if (!publisher()) return {};
    return url_;
}

}  // namespace supervisor
