// Methods about cron jobs. What a job may say is checked where jobs are made (cron/job).

#include "workers/agent/cron/cron.h"
#include "workers/agent/methods.h"

namespace agent {

namespace {

constexpr int64_t runs_by_default = 200;

// Clients write either.
Result<std::string> job_id(const Json& params) {
    const std::string id = text_member(params, "id", text_view(params, "jobId"));
    if (id.empty()) return Error{Fault::bad_message, "must have required property 'id'"};
    return id;
}

Answer answer_of(const Result<Json>& result) {
    return result ? answer_with(*result) : answer_for(result.error());
}

Answer no_id(const char* method, const Error& error) {
    return refused("invalid " + std::string(method) + " params: " + error.what);
}

}  // namespace

void Methods::cron_list(const Json& params, const Reply& reply) {
    reply(answer_of(services_.cron.list(bool_member(params, "includeDisabled"))));
}

void Methods::cron_status(const Json&, const Reply& reply) {
    reply(answer_of(services_.cron.status()));
}

void Methods::cron_add(const Json& params, const Reply& reply) {
    reply(answer_of(services_.cron.add(params)));
}

void Methods::cron_update(const Json& params, const Reply& reply) {
    const Result<std::string> id = job_id(params);
    if (!id) return reply(no_id("cron.update", id.error()));
    reply(answer_of(services_.cron.update(*id, member(params, "patch"))));
}

void Methods::cron_remove(const Json& params, const Reply& reply) {
    const Result<std::string> id = job_id(params);
    if (!id) return reply(no_id("cron.remove", id.error()));
    reply(answer_of(services_.cron.remove(*id)));
}

void Methods::cron_run(const Json& params, const Reply& reply) {
    const Result<std::string> id = job_id(params);
    if (!id) return reply(no_id("cron.run", id.error()));
    const std::string mode = text_member(params, "mode", "due");
    if (mode != "due" && mode != "force")
        return reply(refused("invalid cron.run params: at /mode: use due or force"));
    services_.cron.run(*id, mode == "force",
                       [reply](const Result<Json>& result) { reply(answer_of(result)); });
}

void Methods::cron_runs(const Json& params, const Reply& reply) {
    const Result<std::string> id = job_id(params);
    if (!id) return reply(no_id("cron.runs", id.error()));
    const auto most = static_cast<size_t>(int_member(params, "limit", runs_by_default));
    reply(answer_of(services_.cron.runs(*id, most)));
}

}  // namespace agent
