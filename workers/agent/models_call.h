// One call over a list of candidates, each with each of its provider's keys: the next one when one
// fails, the whole list again after a pause while that can help, all within the request's time. A
// key that rests is passed over.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workers/agent/auth_store.h"
#include "workers/agent/models_catalogue.h"
#include "workers/agent/models_exchange.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/secret.h"

namespace agent {

// What all calls of a Models use; outlives them.
struct CallResources {
    Loop& loop;
    HttpClient http;
    Catalogue catalogue;
    const std::map<std::string, Secret>& keys;
    Exchange::Timing timing;
    std::chrono::milliseconds retry_pause;
    AuthStore profiles;
    // Answered, but their connection has not finished yet.
    std::map<Exchange*, std::pair<std::unique_ptr<Exchange>, Loop::Registration>> lingering;
    // Of whose small context window the log was told.
    std::set<std::string> warned_of = {};
};

class FailoverCall final : public ModelCall, private ExchangeListener {
  public:
    FailoverCall(CallResources& resources, ModelRequest request, ModelListener& listener,
                 Json tools);
    ~FailoverCall() override;

  private:
    struct Candidate {
        ModelName name;
        std::string profile;                  // the key's name; empty: the one of the settings
        Secret key;                           // empty: none
        std::optional<ModelFailure> failure;  // of its last attempt
        std::vector<std::string> secrets;     // never to be shown
        bool is_noted = false;                // that its key was refused
        std::string shown() const;
    };

    void add_candidates(const ModelName& name);
    void note_failure(Candidate& candidate, const ModelFailure& failure);
    void note_what_has_not_passed();
    bool has_another_key(const Candidate& failed) const;
    void begin();
    void try_next();
    // Empty when the attempt is under way.
    std::optional<ModelFailure> attempt(Candidate& candidate);
    // Whether it can hold a turn at all.
    std::optional<ModelFailure> check_window(const Model& model) const;
    std::optional<ModelFailure> check_key(Candidate& candidate, const Model& model) const;
    void announce(const Candidate& next);
    void step_demo();
    void end_of_pass();
    void give_up();
    void run_out_of_time();
    void finish(const ModelFailure& failure);

    void heard(const Delta& delta) override;
    void answered(Json message) override;
    void broke(const ModelFailure& failure) override;

    CallResources& resources_;
    ModelRequest request_;
    ModelListener& listener_;
    const Json tools_;
    std::vector<Candidate> candidates_;
    size_t next_ = 0;
    size_t current_ = 0;
    int pass_ = 0;
    int64_t deadline_ms_ = 0;
    std::optional<ModelFailure> last_failure_;
    std::unique_ptr<Exchange> exchange_;
    std::string demo_text_;
    std::vector<std::string> demo_pieces_;
    size_t demo_at_ = 0;
    bool over_ = false;
    Loop::Registration deadline_;
    Loop::Registration pause_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks to come
};

}  // namespace agent
