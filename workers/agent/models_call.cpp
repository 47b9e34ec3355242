#include "workers/agent/models_call.h"

#include <algorithm>

#include "workers/agent/models_demo.h"
#include "workers/agent/models_table.h"
#include "workers/agent/providers/failures.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

using std::chrono::milliseconds;
using Reason = ModelFailure::Reason;

constexpr int passes = 3;
// A provider that asks for more patience than this is not asked again within the run.
constexpr milliseconds longest_pause{30'000};
// For the end of an answer's connection, after the answer's own end.
constexpr milliseconds longest_linger{1'000};

// Tokens of Anthropic's own programs, which others may not use.
constexpr std::string_view subscription_token = "sk-ant-oat";

bool is_sensitive(std::string_view header) {
    std::string name(header);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* part : {"auth", "key", "token", "secret", "cookie"})
        if (name.find(part) != std::string::npos) return true;
    return false;
}

bool can_be_repeated(const ModelFailure& failure) {
    return is_worth_repeating(failure) && failure.retry_after <= longest_pause;
}

ModelFailure named(const ModelName& name, ModelFailure failure) {
    failure.text = name.full() + ": " + failure.text;
    return failure;
}

}  // namespace

FailoverCall::FailoverCall(CallResources& resources, ModelRequest request, ModelListener& listener)
    : resources_(resources), request_(std::move(request)), listener_(listener) {
    for (const ModelName& name : request_.candidates) candidates_.push_back({name, {}, {}});
    deadline_ms_ = monotonic_ms() + request_.timeout.count();
    deadline_ = resources_.loop.after(request_.timeout, [this] { run_out_of_time(); });
    resources_.loop.soon([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) begin();
    });
}

FailoverCall::~FailoverCall() = default;

void FailoverCall::begin() {
    if (candidates_.empty())
        return finish({Reason::provider, 0, "no model is configured for this agent", {}});
    try_next();
}

void FailoverCall::try_next() {
    while (next_ < candidates_.size()) {
        Candidate& candidate = candidates_[next_];
        current_ = next_++;
        if (candidate.failure && !can_be_repeated(*candidate.failure)) continue;
        std::optional<ModelFailure> failure = attempt(candidate);
        if (!failure) return;
        candidate.failure = std::move(failure);
        last_failure_ = named(candidate.name, *candidate.failure);
    }
    end_of_pass();
}

std::optional<ModelFailure> FailoverCall::attempt(Candidate& candidate) {
    const Result<Model> model = resources_.catalogue.find(candidate.name);
    if (!model) return ModelFailure{Reason::format, 0, model.error().what, {}};
    if (auto refused = check_key(candidate, *model)) return refused;
    const std::weak_ptr<bool> alive = alive_;
    if (last_failure_) announce(candidate);
    if (alive.expired() || over_) return {};
    if (model->api == Api::demo) {
        demo_text_ = demo_reply(request_.messages);
        demo_pieces_ = demo_pieces(demo_text_);
        demo_at_ = 0;
        step_demo();
        return {};
    }
    const auto key = resources_.keys.find(candidate.name.provider);
    const Prompt prompt{request_.session_id, request_.system, request_.messages, request_.thinking,
                        Json::array()};
    exchange_ = std::make_unique<Exchange>(*model, static_cast<ExchangeListener&>(*this));
    exchange_->start(
        resources_.http,
        encode(*model, prompt, key == resources_.keys.end() ? std::string() : key->second.reveal()),
        resources_.timing);
    return {};
}

std::optional<ModelFailure> FailoverCall::check_key(Candidate& candidate,
                                                    const Model& model) const {
    const std::string& provider = candidate.name.provider;
    const auto found = resources_.keys.find(provider);
    const bool has_key = found != resources_.keys.end() && !found->second.empty();
    candidate.secrets.clear();
    if (has_key) candidate.secrets.push_back(found->second.reveal());
    for (const auto& [name, value] : model.headers)
        if (is_sensitive(name)) candidate.secrets.push_back(value);
    if (!has_key && Catalogue::needs_key(model))
        return ModelFailure{
            Reason::auth, 0, "no API key for " + provider + ": set " + key_variable(provider), {}};
    if (has_key && provider == "anthropic" &&
        found->second.reveal().starts_with(subscription_token))
        return ModelFailure{Reason::auth,
                            0,
                            "the key for anthropic is a subscription token (sk-ant-oat…), which "
                            "only Anthropic's own programs may use: set ANTHROPIC_API_KEY",
                            {}};
    return {};
}

// The listener may destroy the call.
void FailoverCall::announce(const Candidate& next) {
    const ModelName name = next.name;
    listener_.restarted(*last_failure_, name);
}

void FailoverCall::step_demo() {
    resources_.loop.soon([this, alive = std::weak_ptr<bool>(alive_)] {
        if (alive.expired() || over_) return;
        if (demo_at_ == demo_pieces_.size()) return answered(demo_message(demo_text_, wall_ms()));
        const std::string& piece = demo_pieces_[demo_at_++];
        step_demo();
        listener_.text_delta(piece);
    });
}

void FailoverCall::end_of_pass() {
    milliseconds pause = longest_pause + milliseconds(1);
    for (const Candidate& candidate : candidates_)
        if (can_be_repeated(*candidate.failure))
            pause = std::min(pause, candidate.failure->retry_after);
    if (pass_ + 1 >= passes || pause > longest_pause) return give_up();
    pause = std::max(pause, resources_.retry_pause * (1 << pass_));
    // No use in waiting for an attempt that the run's time does not allow.
    if (monotonic_ms() + pause.count() >= deadline_ms_) return give_up();
    ++pass_;
    next_ = 0;
    pause_ = resources_.loop.after(pause, [this] { try_next(); });
}

void FailoverCall::give_up() {
    if (candidates_.size() == 1)
        return finish(named(candidates_.front().name, *candidates_.front().failure));
    ModelFailure all = *candidates_.front().failure;
    all.text = "All models failed (" + std::to_string(candidates_.size()) + "): ";
    for (const Candidate& candidate : candidates_) {
        if (&candidate != &candidates_.front()) all.text += " | ";
        all.text += candidate.name.full() + ": " + candidate.failure->text + " (" +
                    reason_name(candidate.failure->reason) + ")";
    }
    finish(all);
}

void FailoverCall::run_out_of_time() {
    const Candidate& candidate = candidates_[current_];
    ModelFailure failure{Reason::timed_out,
                         0,
                         "no complete answer within the run's limit of " +
                             std::to_string(request_.timeout.count() / 1000) + " s",
                         {}};
    if (last_failure_) failure.text += "; before that: " + last_failure_->text;
    finish(named(candidate.name, failure));
}

// Whatever calls this returns without touching the call again.
void FailoverCall::finish(const ModelFailure& failure) {
    if (over_) return;
    over_ = true;
    exchange_.reset();
    deadline_.reset();
    pause_.reset();
    listener_.failed(failure);
}

void FailoverCall::heard(const Delta& delta) {
    if (delta.kind == Delta::Kind::text)
        listener_.text_delta(delta.text);
    else
        listener_.thinking_delta(delta.text);
}

void FailoverCall::answered(Json message) {
    over_ = true;
    deadline_.reset();
    if (exchange_ && exchange_->is_connected()) {
        auto& lingering = resources_.lingering;
        Exchange* exchange = exchange_.get();
        const auto forget = [&lingering, exchange] { lingering.erase(exchange); };
        exchange->linger(forget);
        lingering[exchange] = {std::move(exchange_), resources_.loop.after(longest_linger, forget)};
    }
    listener_.done(std::move(message));
}

void FailoverCall::broke(const ModelFailure& failure) {
    Candidate& candidate = candidates_[current_];
    ModelFailure shown = failure;
    shown.text = masked(shown.text, candidate.secrets);
    exchange_.reset();
    // Another model would be asked the same: the request is what is wrong.
    if (shown.reason == Reason::format || shown.reason == Reason::context_overflow)
        return finish(named(candidate.name, shown));
    candidate.failure = shown;
    last_failure_ = named(candidate.name, shown);
    try_next();
}

}  // namespace agent
