// A desk with a launcher of its own, in which tests run real commands.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/workers/tools/temporary_directory.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/users.h"
#include "workers/tools/launcher.h"
#include "workers/tools/processes.h"

namespace tools {

// Becomes what the supervisor makes of the tools worker: its user, its group, and of root's rights
// those to make cells. Without it limits on processes would not hold: they do not hold root.
inline void become_the_worker() {
    if (geteuid() != 0) return;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    ASSERT_EQ(syscall(SYS_capget, &header, sets), 0);
    const uint32_t kept = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL |
                          1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN;
    const uint32_t ours = sets[0].permitted & kept;
    sets[0] = {ours, ours, ours};
    sets[1] = {};
    const gid_t group = workspace_group;
    ASSERT_EQ(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
    ASSERT_EQ(setgroups(1, &group), 0);
    ASSERT_EQ(setresgid(first_worker_user + 3, first_worker_user + 3, first_worker_user + 3), 0);
    ASSERT_EQ(setresuid(first_worker_user + 3, first_worker_user + 3, first_worker_user + 3), 0);
    ASSERT_EQ(syscall(SYS_capset, &header, sets), 0);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // for the leak check
    umask(0007);
}

class CellBench : public testing::Test {
  protected:
    static void SetUpTestSuite() { become_the_worker(); }

    CellBench()
        : cells(*loop, std::move(fork_launcher().value())),
          processes({*loop, cells, wall_ms,
                     [this](uint64_t, std::string_view text) { streamed += text; },
                     [this](uint64_t call, const Outcome& outcome) {
                         results[call] = outcome;
                         loop->stop(0);
                     },
                     [this](const std::string&, const std::string&, const std::string& summary) {
                         ended.push_back(summary);
                         loop->stop(0);
                     }}) {
        std::filesystem::create_directories(directory.file("state/workspace"));
        directory.put("state/secret.txt", "state secret");
        chmod(directory.path().c_str(), 0711);
        chmod(directory.file("state").c_str(), 0711);
        (void)!chown(directory.file("state/workspace").c_str(), static_cast<uid_t>(-1),
                     workspace_group);
        chmod(directory.file("state/workspace").c_str(), 02770);
        cells.on_walls([this](const std::vector<std::string>& texts) { missing = texts; });
        // Whatever hangs is a failure, not a hang of the tests.
        guard = loop->after(std::chrono::seconds(60), [this] {
            ADD_FAILURE() << "nothing happened for a minute";
            loop->stop(1);
        });
    }

    Processes::Order order(const std::string& command) {
        Processes::Order order;
        order.call = ++calls;
        order.session = "s";
        order.text = command;
        order.yield = std::chrono::seconds(50);
        auto& cell = order.cell;
        for (const char* argument : {"/bin/sh", "-c"}) cell.add_arguments(argument);
        cell.add_arguments(command);
        cell.add_environment("PATH=/usr/bin:/bin");
        cell.set_workspace(directory.file("state/workspace"));
        cell.set_directory(directory.file("state/workspace"));
        cell.add_hidden(directory.file("state"));
        cell.set_memory_bytes(256u << 20);
        cell.set_most_processes(64);
        cell.set_largest_file(64u << 20);
        cell.set_processor_seconds(50);
        return order;
    }
    Outcome wait(uint64_t call) {
        while (!results.contains(call) && !HasFailure()) loop->run();
        return results[call];
    }
    Outcome run(Processes::Order wanted) {
        const uint64_t call = wanted.call;
        processes.run(std::move(wanted));
        return wait(call);
    }
    Outcome run(const std::string& command) { return run(order(command)); }
    static std::string text(const Outcome& outcome) {
        return outcome.content.empty() ? std::string() : text_member(outcome.content[0], "text");
    }
    Outcome speak(const Json& arguments) { return processes.speak("s", arguments); }
    // Namespaces, not only Landlock and limits.
    bool has_namespaces() {
        (void)run("true");
        for (const std::string& one : missing)
            if (one.find("no namespaces") != std::string::npos) return false;
        return true;
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    TemporaryDirectory directory;
    Cells cells;
    std::string streamed;
    std::map<uint64_t, Outcome> results;
    std::vector<std::string> ended;
    std::vector<std::string> missing;
    Processes processes;
    uint64_t calls = 0;
    Loop::Registration guard;
};

}  // namespace tools
