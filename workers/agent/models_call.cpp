#include "workers/agent/models_call.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "workers/agent/models_demo.h"
#include "workers/agent/models_table.h"
#include "workers/agent/providers/failures.h"
#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace agent {

namespace {

using std::chrono::milliseconds;
using Reason = ModelFailure::Reason;

constexpr int passes = 3;
// Tokens: with less there is no room for the tools and an answer; with little more, for not much of
// a conversation.
constexpr int64_t least_window = 16'000;
constexpr int64_t small_window = 32'000;
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

ModelFailure named(const std::string& name, ModelFailure failure) {
    failure.text = name + ": " + failure.text;
    return failure;
}

std::string clock_text(int64_t at_ms) {
    const time_t at = static_cast<time_t>(at_ms / 1000);
    struct tm parts {};
    ::localtime_r(&at, &parts);
    char text[16];
    return {text, ::strftime(text, sizeof text, "%H:%M:%S", &parts)};
}

// A person is told when to expect an answer again.
ModelFailure resting(const AuthProfile& profile) {
    const bool billing = profile.rests_for == "billing";
    return {billing ? Reason::billing : Reason::rate_limit, 0,
            "the key " + profile.id + " was refused and rests until " +
                clock_text(profile.rests_until_ms) + (billing ? " (billing)" : ""),
            std::chrono::hours(24)};
}

}  // namespace

FailoverCall::FailoverCall(CallResources& resources, ModelRequest request, ModelListener& listener,
                           Json tools)
    : resources_(resources),
      request_(std::move(request)),
      listener_(listener),
      tools_(std::move(tools)) {
    for (const ModelName& name : request_.candidates) add_candidates(name);
    deadline_ms_ = monotonic_ms() + request_.timeout.count();
    deadline_ = resources_.loop.after(request_.timeout, [this] { run_out_of_time(); });
    resources_.loop.soon([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) begin();
    });
}

FailoverCall::~FailoverCall() = default;

std::string FailoverCall::Candidate::shown() const {
    return profile.empty() ? name.full() : name.full() + " (" + profile + ")";
}

// The key of the settings comes after the provider's profiles, as one that is always there.
void FailoverCall::add_candidates(const ModelName& name) {
    const int64_t now = wall_ms();
    const std::vector<AuthProfile> profiles =
        resources_.profiles.profiles(request_.agent, name.provider);
    const bool is_pinned =
        std::any_of(profiles.begin(), profiles.end(),
                    [&](const AuthProfile& profile) { return profile.id == request_.profile; });
    for (const AuthProfile& profile : profiles) {
        if (is_pinned && profile.id != request_.profile) continue;
        Candidate candidate{name, profile.id, profile.secret, {}, {}};
        if (profile.rests_until_ms > now) candidate.failure = resting(profile);
        candidates_.push_back(std::move(candidate));
    }
    if (is_pinned) return;
    const auto key = resources_.keys.find(name.provider);
    const Secret none;
    const Secret& own = key == resources_.keys.end() ? none : key->second;
    const bool is_known =
        !profiles.empty() &&
        (own.empty() || std::any_of(profiles.begin(), profiles.end(), [&](const AuthProfile& one) {
             return one.secret.reveal() == own.reveal();
         }));
    if (!is_known) candidates_.push_back({name, "", own, {}, {}});
}

// Once in a call, however often it is tried: else three tries would count as three bad days.
void FailoverCall::note_failure(Candidate& candidate, const ModelFailure& failure) {
    if (candidate.profile.empty() || !is_about_the_key(failure.reason)) return;
    if (!std::exchange(candidate.is_noted, true))
        resources_.profiles.failed(request_.agent, candidate.profile, failure);
}

// What may pass by itself is noted at once only where another key of the provider is left: else it
// would put the only one away from everybody, while this call goes on to try it. Then it is noted
// when the call is over.
void FailoverCall::note_what_has_not_passed() {
    for (Candidate& candidate : candidates_)
        if (candidate.failure && can_be_repeated(*candidate.failure))
            note_failure(candidate, *candidate.failure);
}

bool FailoverCall::has_another_key(const Candidate& failed) const {
    return std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& other) {
        return other.name.provider == failed.name.provider && other.profile != failed.profile &&
               !other.failure;
    });
}

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
        last_failure_ = named(candidate.shown(), *candidate.failure);
    }
    end_of_pass();
}

std::optional<ModelFailure> FailoverCall::attempt(Candidate& candidate) {
    const Result<Model> model = resources_.catalogue.find(candidate.name);
    if (!model) return ModelFailure{Reason::format, 0, model.error().what, {}};
    if (auto refused = check_window(*model)) return refused;
    if (auto refused = check_key(candidate, *model)) return refused;
    const std::weak_ptr<bool> alive = alive_;
    // A first one whose key rests was not tried, and is told of all the same.
    if (!last_failure_ && candidate.name != candidates_.front().name)
        last_failure_ = named(candidates_.front().shown(), *candidates_.front().failure);
    if (last_failure_) announce(candidate);
    if (alive.expired() || over_) return {};
    if (model->api == Api::demo) {
        demo_text_ = demo_reply(request_.messages);
        demo_pieces_ = demo_pieces(demo_text_);
        demo_at_ = 0;
        step_demo();
        return {};
    }
    const Prompt prompt{request_.session_id, request_.system, request_.messages, request_.thinking,
                        tools_};
    exchange_ = std::make_unique<Exchange>(*model, static_cast<ExchangeListener&>(*this));
    exchange_->start(resources_.http, encode(*model, prompt, candidate.key.reveal()),
                     resources_.timing);
    return {};
}

std::optional<ModelFailure> FailoverCall::check_window(const Model& model) const {
    const std::string tokens = std::to_string(model.context_window);
    if (model.context_window < least_window)
        return ModelFailure{Reason::provider, 0,
                            "Model context window too small (" + tokens + " tokens). Minimum is " +
                                std::to_string(least_window) + ".",
                            std::chrono::hours(24)};
    if (model.context_window < small_window &&
        resources_.warned_of.insert(model.name.full()).second)
        log_warn("low context window: {} ctx={} (warn<{})", model.name.full(), tokens,
                 small_window);
    return {};
}

std::optional<ModelFailure> FailoverCall::check_key(Candidate& candidate,
                                                    const Model& model) const {
    const std::string& provider = candidate.name.provider;
    const bool has_key = !candidate.key.empty();
    candidate.secrets.clear();
    if (has_key) candidate.secrets.push_back(candidate.key.reveal());
    for (const auto& [name, value] : model.headers)
        if (is_sensitive(name)) candidate.secrets.push_back(value);
    if (!has_key && Catalogue::needs_key(model))
        return ModelFailure{
            Reason::auth, 0, "no API key for " + provider + ": set " + key_variable(provider), {}};
    if (has_key && provider == "anthropic" &&
        candidate.key.reveal().starts_with(subscription_token))
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
    note_what_has_not_passed();
    if (candidates_.size() == 1)
        return finish(named(candidates_.front().shown(), *candidates_.front().failure));
    ModelFailure all = *candidates_.front().failure;
    all.text = "All models failed (" + std::to_string(candidates_.size()) + "): ";
    for (const Candidate& candidate : candidates_) {
        if (&candidate != &candidates_.front()) all.text += " | ";
        all.text += candidate.shown() + ": " + candidate.failure->text + " (" +
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
    finish(named(candidate.shown(), failure));
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
    candidates_[current_].failure.reset();
    note_what_has_not_passed();
    if (const std::string& profile = candidates_[current_].profile; !profile.empty())
        resources_.profiles.worked(request_.agent, profile);
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
        return finish(named(candidate.shown(), shown));
    if (!can_be_repeated(shown) || has_another_key(candidate)) note_failure(candidate, shown);
    candidate.failure = shown;
    last_failure_ = named(candidate.shown(), shown);
    try_next();
}

}  // namespace agent
