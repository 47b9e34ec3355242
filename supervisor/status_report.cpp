#include "supervisor/status_report.h"

#include <algorithm>

#include "supervisor/plan_changes.h"

namespace supervisor {

namespace {

using hardshell::proto::Notice;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerPlan;

void add_workers(const Situation& situation, StatusReport& report) {
    for (const auto& worker : situation.workers) {
        *report.add_workers() = worker->status();
        if (worker->name() != "gateway") continue;
        report.set_port(worker->plan().settings().port());
        report.set_bind(worker->plan().settings().bind());
    }
}

void add_layers(const LayerFacts& facts, StatusReport& report) {
    report.set_memory_mode(facts.memory_mode);
    for (const LayerState& layer : layers(facts)) {
        auto& shown = *report.add_layers();
        shown.set_name(std::string(layer.name));
        shown.set_holds(layer.holds);
        shown.set_detail(layer.detail);
        if (!layer.holds) report.add_missing(layer.detail);
    }
}

// Workers for which there was no room.
void add_absent(const Situation& situation, StatusReport& report) {
    for (const WorkerPlan& wanted : situation.plan.workers())
        if (std::none_of(situation.workers.begin(), situation.workers.end(),
                         [&](const auto& worker) { return worker->name() == wanted.name(); }))
            report.add_missing(wanted.name() +
                               " does not run: it could not even be started; the log says why");
}

// Workers that were given back what they ran with before.
void add_rolled_back(const Situation& situation, StatusReport& report) {
    for (const auto& worker : situation.workers)
        for (const WorkerPlan& wanted : situation.plan.workers())
            if (wanted.name() == worker->name() && !same_plan(worker->plan(), wanted))
                report.add_missing(wanted.name() +
                                   " did not start with its new configuration and runs with the "
                                   "one before");
}

void add_notices(const hardshell::proto::Plan& plan, StatusReport& report) {
    for (const Notice& notice : plan.notices()) {
        auto& shown = *report.add_notices();
        const std::string word = severity_word(notice.severity());
        shown.set_severity(word.empty() ? "info" : word);
        shown.set_text(notice.text());
    }
}

}  // namespace

const char* severity_word(Notice::Severity severity) {
    return severity == Notice::ERROR ? "error" : severity == Notice::WARNING ? "warn" : "";
}

StatusReport describe(const Situation& situation) {
    StatusReport report;
    report.set_degraded(situation.plan.degraded());
    report.set_plan_source(situation.plan.source());
    report.set_plan_made_ms(situation.plan.made_ms());
    report.set_mode_is_remote(situation.plan.mode_is_remote());
    report.set_mode_is_of_the_file(situation.plan.mode_is_of_the_file());
    add_workers(situation, report);
    add_layers(situation.layers, report);
    for (const std::string& reason : situation.missing_listeners) report.add_missing(reason);
    add_absent(situation, report);
    add_rolled_back(situation, report);
    add_notices(situation.plan, report);
    return report;
}

}  // namespace supervisor
