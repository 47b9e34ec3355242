#include "tests/faults/fault_test.h"

#include <algorithm>
#include <sstream>

#include "tests/support/fault_report.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

std::string place_name(const testing::TestParamInfo<Place>& info) {
    return info.param == Place::first_process ? "first_process" : "plain_child";
}

namespace {

bool is_log_line(const std::string& line) {
    // 2026-01-30T10:00:00.000Z [name] text, or a JSON object
    if (line.starts_with("{") && line.ends_with("}")) return true;
    return line.size() > 27 && line[4] == '-' && line[10] == 'T' && line.substr(23, 3) == "Z [" &&
           line.find("] ") != std::string::npos;
}

}  // namespace

void FaultTest::covers(const std::string& number) {
    covered_ += (covered_.empty() ? "" : " ") + number;
    RecordProperty("scenario", covered_);
}

void FaultTest::remark(const std::string& text) {
    remarks_ += (remarks_.empty() ? "" : "; ") + text;
    RecordProperty("remark", remarks_);
}

void FaultTest::start_unready(const std::string& plan, Supervised::Options options) {
    options.place = GetParam();
    supervisor = std::make_unique<Supervised>(std::move(options));
    supervisor->set_plan(plan);
    supervisor->start();
    planned_.clear();
    std::istringstream script(plan);
    for (std::string line; std::getline(script, line);) {
        std::istringstream words(line);
        std::string word, name;
        if (words >> word >> name && word == "worker") planned_.push_back(name);
    }
    ASSERT_TRUE(eventually([&] { return bool(supervisor->ask("status")); }))
        << supervisor->log().text();
}

void FaultTest::start(const std::string& plan, Supervised::Options options) {
    start_unready(plan, std::move(options));
    if (HasFatalFailure()) return;
    wait_all_ready();
    for (const std::string& name : planned_)
        incarnations_[name] = supervisor->status(name).incarnation();
    // The planner's pipe is the last to go.
    size_t before = 0;
    eventually(
        [&] {
            descriptors_ = supervisor->descriptors();
            return descriptors_ == std::exchange(before, descriptors_) &&
                   supervisor->children().size() <= planned_.size();
        },
        2s, 20ms);
}

void FaultTest::wait_all_ready(std::chrono::milliseconds limit) {
    for (const std::string& name : planned_)
        ASSERT_TRUE(supervisor->wait_ready(name, limit)) << name << " is not ready";
}

void FaultTest::wait_all_ready_but(const std::set<std::string>& but) {
    for (const std::string& name : planned_)
        EXPECT_TRUE(but.contains(name) || supervisor->wait_ready(name)) << name;
}

std::vector<pid_t> FaultTest::named(const std::string& name) const {
    std::vector<pid_t> found = supervisor->everybody();
    std::erase_if(found, [&](pid_t pid) { return read_proc(pid, "comm") != name + "\n"; });
    return found;
}

void FaultTest::expect_others_untouched(const std::set<std::string>& but) {
    for (const auto& [name, incarnation] : incarnations_) {
        if (but.contains(name)) continue;
        EXPECT_EQ(supervisor->status(name).incarnation(), incarnation) << name;
    }
}

void FaultTest::expect_recovered(const std::string& worker, const std::string& cause,
                                 std::chrono::milliseconds limit) {
    EXPECT_TRUE(supervisor->wait_ready_after(worker, incarnations_[worker], limit))
        << worker << " is not ready again";
    const std::string last_end = supervisor->status(worker).last_end();
    EXPECT_NE(last_end.find(cause), std::string::npos) << last_end;
    EXPECT_TRUE(supervisor->wait_line(worker + " " + last_end, 0, 2s))
        << "no line says " << last_end;
    expect_others_untouched({worker});
}

int64_t FaultTest::stop() {
    const int64_t begin = monotonic_us();
    supervisor->signal(SIGTERM);
    EXPECT_EQ(supervisor->wait_exit(), expected_exit);
    return (monotonic_us() - begin) / 1000;
}

void FaultTest::TearDown() {
    if (!supervisor) return;
    if (supervisor->is_running()) {
        expect_descriptors_back();
        stop();
    }
    EXPECT_EQ(supervisor->left_behind(2s), std::vector<pid_t>());
    supervisor->log().join();
    expect_clean_log();
    if (!may_leave_groups) {
        EXPECT_EQ(supervisor->control_groups(), std::vector<std::string>()) << "left behind";
    }
    if (HasFailure())
        std::fprintf(stderr, "--- log ---\n%s--- end ---\n", supervisor->log().text().c_str());
    supervisor.reset();
}

void FaultTest::expect_descriptors_back() {
    if (may_hold_more_descriptors || descriptors_ == 0) return;
    EXPECT_TRUE(eventually([&] { return supervisor->descriptors() <= descriptors_; }, 3s))
        << supervisor->descriptors() << " descriptors, " << descriptors_ << " at the start";
}

void FaultTest::expect_clean_log() {
    for (const std::string& line : supervisor->log().lines()) {
        EXPECT_TRUE(may_tear_lines || is_log_line(line)) << line;
        EXPECT_EQ(line.find("error: bug:"), std::string::npos) << line;
    }
}

int main(int count, char** arguments) {
    testing::InitGoogleTest(&count, arguments);
    report_faults();
    return RUN_ALL_TESTS();
}
