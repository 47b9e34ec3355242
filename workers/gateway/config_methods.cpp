// The methods about the configuration and other files that a planner keeps: checked here, answered
// by it.

#include "workers/gateway/config_methods.h"

namespace gateway {

namespace {

// includeSecrets is ours: OpenClaw's clients do not know it and see placeholders.
constexpr Field get_fields[] = {{"includeSecrets", Kind::boolean}};
constexpr Field set_fields[] = {{"raw", Kind::filled_text, true}, {"baseHash", Kind::filled_text}};
constexpr Field change_fields[] = {
    {"raw", Kind::filled_text, true},
    {"baseHash", Kind::filled_text},
    {"sessionKey", Kind::text},
    {"note", Kind::text},
    {.name = "restartDelayMs", .kind = Kind::integer, .at_least = 0},
};
constexpr Field approvals_set_fields[] = {{"file", Kind::any, true},
                                          {"baseHash", Kind::filled_text}};
constexpr Field skill_fields[] = {
    {"skillKey", Kind::filled_text, true},
    {"enabled", Kind::boolean},
    {"apiKey", Kind::text},
    {"env", Kind::any},
};
constexpr Field check_fields[] = {{"raw", Kind::text}, {"patch", Kind::text}};
constexpr Shape check_shape{check_fields};
constexpr Shape approvals_set_shape{approvals_set_fields};
constexpr Shape skill_shape{skill_fields};
constexpr Shape get_shape{get_fields};
constexpr Shape set_shape{set_fields};
constexpr Shape change_shape{change_fields};

struct Row {
    std::string_view method;
    const Shape* params;
};
constexpr Row rows[] = {
    {"config.get", &get_shape},
    {"config.set", &set_shape},
    {"config.apply", &change_shape},
    {"config.patch", &change_shape},
    {"config.schema", &no_members},
    {"exec.approvals.get", &no_members},
    {"skills.update", &skill_shape},
    {"exec.approvals.set", &approvals_set_shape},
    {"hardshell.config.check", &check_shape},
};

}  // namespace

const Shape* config_params(std::string_view method) {
    for (const Row& row : rows)
        if (row.method == method) return row.params;
    return nullptr;
}

Failure failure_of(const hardshell::proto::ConfigAnswer& answer) {
    Failure failure;
    failure.code = answer.error_code();
    failure.message = answer.error_message();
    failure.details_json = answer.error_details_json();
    failure.retryable = failure.code == code::unavailable;
    return failure;
}

}  // namespace gateway
