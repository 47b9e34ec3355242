// The lock, the directories, the listeners and the control socket: what the supervisor holds.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "supervisor/control_socket.h"
#include "supervisor/directories.h"
#include "supervisor/listeners.h"
#include "supervisor/roster.h"
#include "supervisor/state_lock.h"
#include "workers/common/base/users.h"
#include "workers/common/base/workspace_place.h"

namespace supervisor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class PlacesTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/places_test_XXXXXX";
        root_ = mkdtemp(name);
        chmod(root_.c_str(), 0755);
    }
    void TearDown() override { (void)!system(("rm -rf " + root_).c_str()); }
    struct stat info(const std::string& path) {
        struct stat result {};
        EXPECT_EQ(lstat(path.c_str(), &result), 0) << path;
        return result;
    }
    // Opened, as the supervisor holds it.
    Fd opened(const std::string& directory) {
        Result<Fd> found = open_state_dir(directory);
        EXPECT_TRUE(found) << found.error().what;
        return std::move(*found);
    }
    Done prepare(const std::string& state, bool isolate) {
        const Fd directory = opened(state);
        return prepare_state_dir(directory.get(), state, state + "/openclaw.json", isolate);
    }
    std::string root_;
};

TEST_F(PlacesTest, LockRefusesASecondOwnerAndNamesTheFirst) {
    const std::string file = root_ + "/lock";
    const Fd directory = opened(root_);
    const Fd again = opened(root_);
    Result<StateLock> first = lock_state(directory.get(), file, 0ms);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->reclaimed, "");
    Result<StateLock> second = lock_state(again.get(), file, 10ms);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::busy);
    EXPECT_THAT(second.error().what,
                HasSubstr("gateway already running (pid " + std::to_string(getpid()) + ")"));
}

TEST_F(PlacesTest, LockHoldsAlsoWhenSomebodyRemovedItsFile) {
    const std::string file = root_ + "/lock";
    const Fd directory = opened(root_);
    const Fd again = opened(root_);
    const Result<StateLock> first = lock_state(directory.get(), file, 0ms);
    ASSERT_TRUE(first);
    ASSERT_EQ(unlink(file.c_str()), 0);
    const Result<StateLock> second = lock_state(again.get(), file, 10ms);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::busy);
}

TEST_F(PlacesTest, OpeningAStateDirectoryChangesNothingInIt) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const std::string state = root_ + "/data";
    ASSERT_TRUE(prepare(state, true));
    const uid_t owner = info(state + "/agents").st_uid;
    const Fd directory = opened(state);
    EXPECT_EQ(info(state + "/agents").st_uid, owner);
    EXPECT_NE(owner, 0u);
}

TEST_F(PlacesTest, LockOfADeadOwnerIsTakenOverAtOnce) {
    const std::string file = root_ + "/lock";
    std::ofstream(file) << "pid=" << getpid() << "\nstart=1\nboot=another\n";
    const Fd directory = opened(root_);
    Result<StateLock> lock = lock_state(directory.get(), file, 0ms);
    ASSERT_TRUE(lock);
    EXPECT_THAT(lock->reclaimed, HasSubstr("of an earlier boot"));
}

TEST_F(PlacesTest, LockOfAnUnknownShapeIsTakenOverToo) {
    const std::string file = root_ + "/lock";
    std::ofstream(file) << "garbage";
    const Fd directory = opened(root_);
    Result<StateLock> lock = lock_state(directory.get(), file, 0ms);
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock->reclaimed, "an unknown program");
}

TEST_F(PlacesTest, StateDirectoryNamesWhatIsInTheWay) {
    const std::string state = root_ + "/data";
    ASSERT_EQ(mkdir(state.c_str(), 0755), 0);
    std::ofstream(state + "/agents") << "a file";
    const Done prepared = prepare(state, false);
    ASSERT_FALSE(prepared);
    EXPECT_THAT(prepared.error().what, HasSubstr("agents in the state directory is no directory"));
}

TEST_F(PlacesTest, StateDirectoryGivesEveryKindItsFolders) {
    const std::string state = root_ + "/data";
    ASSERT_TRUE(prepare(state, geteuid() == 0));
    for (const KindOfWorker& row : roster())
        for (const std::string_view folder : row.directories) {
            const struct stat found = info(state + "/" + std::string(folder));
            const bool shared = geteuid() == 0 &&
                                std::find(row.extra.workspaces.begin(), row.extra.workspaces.end(),
                                          folder) != row.extra.workspaces.end();
            const unsigned expected = shared ? 02770u : row.extra.shows_files ? 0711u : 0700u;
            EXPECT_EQ(found.st_mode & 07777, expected) << folder;
            if (shared) {
                EXPECT_EQ(found.st_gid, workspace_group) << folder;
            }
            if (geteuid() == 0) {
                EXPECT_EQ(found.st_uid, user_of(row)) << folder;
            }
        }
}

TEST_F(PlacesTest, WorkspacesOfAllAgentsBelongToThoseWhoWriteThere) {
    const std::string state = root_ + "/data";
    const bool isolate = geteuid() == 0;
    ASSERT_TRUE(prepare(state, isolate));
    ASSERT_EQ(
        system(
            ("mkdir " + state + "/workspace-old && touch " + state + "/workspace-old/x").c_str()),
        0);
    const Fd directory = opened(state);
    for (const std::string path : {"workspace-ops", "teams/kai", "workspace-old"})
        for (int times = 0; times < 2; ++times) {
            const Done made = prepare_workspace(directory.get(), state, path, isolate);
            ASSERT_TRUE(made) << made.error().what;
        }
    for (const std::string path : {"workspace-ops", "teams/kai", "workspace-old"}) {
        const struct stat found = info(state + "/" + path);
        const struct stat usual = info(state + "/workspace");
        EXPECT_TRUE(S_ISDIR(found.st_mode)) << path;
        EXPECT_EQ(found.st_uid, usual.st_uid) << path;
        EXPECT_EQ(found.st_gid, usual.st_gid) << path;
        if (path != "workspace-old" || isolate) {
            EXPECT_EQ(found.st_mode & 07770, usual.st_mode & 07770) << path;
        }
    }
    EXPECT_EQ(info(state + "/workspace-old/x").st_uid, info(state + "/workspace").st_uid);
    EXPECT_EQ(info(state + "/teams").st_mode & 07777, 0711u);
}

TEST_F(PlacesTest, WorkspacesAreMadeNeitherInFoldersOfProcessesNorThroughLinks) {
    const std::string state = root_ + "/data";
    const bool isolate = geteuid() == 0;
    ASSERT_TRUE(prepare(state, isolate));
    const std::string outside = root_ + "/outside";
    ASSERT_EQ(mkdir(outside.c_str(), 0755), 0);
    ASSERT_EQ(symlink(outside.c_str(), (state + "/workspace-link").c_str()), 0);
    ASSERT_EQ(symlink("../credentials", (state + "/workspace/up").c_str()), 0);
    std::ofstream(state + "/workspace-file") << "a file";
    const Fd directory = opened(state);
    const struct stat before = info(state + "/credentials");
    for (const std::string path :
         {"credentials", "agents/ops", "workspace/../credentials", "..", "../outside", ""})
        EXPECT_FALSE(prepare_workspace(directory.get(), state, path, isolate)) << path;
    for (const std::string path : {"workspace-link", "workspace-link/x", "workspace/up/x"})
        EXPECT_TRUE(prepare_workspace(directory.get(), state, path, isolate)) << path;
    const Done made = prepare_workspace(directory.get(), state, "workspace-file", isolate);
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().what, HasSubstr("workspace-file in the state directory is no"));
    EXPECT_EQ(info(outside).st_uid, geteuid());
    EXPECT_EQ(info(outside).st_mode & 07777, 0755u);
    EXPECT_EQ(info(state + "/credentials").st_uid, before.st_uid);
    EXPECT_EQ(info(state + "/credentials").st_mode, before.st_mode);
    EXPECT_NE(access((state + "/credentials/x").c_str(), F_OK), 0);
    EXPECT_NE(access((outside + "/x").c_str(), F_OK), 0);
}

// What a process owns must not be given to agents, whoever adds a folder.
TEST_F(PlacesTest, EveryFolderOfTheRosterIsClosedToAgents) {
    for (const KindOfWorker& row : roster())
        for (const std::string_view folder : row.directories)
            EXPECT_EQ(is_own_folder(folder.substr(0, folder.find('/'))),
                      std::find(row.extra.workspaces.begin(), row.extra.workspaces.end(), folder) ==
                          row.extra.workspaces.end())
                << folder;
}

TEST_F(PlacesTest, ExistingFilesGoToTheirWriterButLinksAreLeftAlone) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const std::string state = root_ + "/data";
    ASSERT_EQ(system(("mkdir -p " + state + "/agents/main/sessions").c_str()), 0);
    std::ofstream(state + "/agents/main/sessions/a.jsonl") << "{}\n";
    std::ofstream(root_ + "/outside") << "x";
    ASSERT_EQ(symlink((root_ + "/outside").c_str(), (state + "/agents/link").c_str()), 0);
    ASSERT_EQ(link((root_ + "/outside").c_str(), (state + "/agents/second-name").c_str()), 0);
    std::ofstream(state + "/openclaw.json") << "{}";
    ASSERT_TRUE(prepare(state, true));
    EXPECT_EQ(info(state + "/agents/main/sessions/a.jsonl").st_uid, user_of(*find_kind("agent")));
    EXPECT_EQ(info(state + "/openclaw.json").st_uid, user_of(*find_kind("planner")));
    EXPECT_EQ(info(root_ + "/outside").st_uid, 0u);
}

TEST_F(PlacesTest, AWorkspaceIsSharedWithItsGroup) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const std::string state = root_ + "/data";
    ASSERT_EQ(system(("mkdir -p " + state + "/workspace/memory").c_str()), 0);
    std::ofstream(state + "/workspace/AGENTS.md") << "x";
    std::ofstream(root_ + "/outside") << "x";
    ASSERT_EQ(chmod((root_ + "/outside").c_str(), 0600), 0);
    ASSERT_EQ(symlink((root_ + "/outside").c_str(), (state + "/workspace/link").c_str()), 0);
    ASSERT_TRUE(prepare(state, true));
    EXPECT_EQ(info(state + "/workspace/AGENTS.md").st_mode & 0770, 0660u);
    EXPECT_EQ(info(state + "/workspace/AGENTS.md").st_gid, workspace_group);
    EXPECT_EQ(info(state + "/workspace/memory").st_mode & 02770, 02770u);
    EXPECT_EQ(info(root_ + "/outside").st_mode & 0777, 0600u);
}

TEST_F(PlacesTest, UsersOfTheirOwnNeedDirectoriesThatOthersMayPass) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    EXPECT_TRUE(user_isolation(root_ + "/data", root_ + "/run").on);
    ASSERT_EQ(mkdir((root_ + "/private").c_str(), 0700), 0);
    const UserIsolation off = user_isolation(root_ + "/private/data", root_ + "/run");
    EXPECT_FALSE(off.on);
    EXPECT_THAT(off.why_not, HasSubstr(root_ + "/private"));
}

TEST_F(PlacesTest, LinkDirectoryAdmitsItsTwoEndsOnly) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_TRUE(prepare_link_dir(root_ + "/link", 64'002, 64'001));
    const struct stat found = info(root_ + "/link");
    EXPECT_EQ(found.st_uid, 64'002u);
    EXPECT_EQ(found.st_gid, 64'001u);
    EXPECT_EQ(found.st_mode & 07777, 02710u);
}

TEST_F(PlacesTest, ListenerSaysWhoHasToActWhenThePortIsTaken) {
    const Fd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(taken.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(taken.get(), 1), 0);
    ASSERT_EQ(getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    hardshell::proto::Listener listener;
    listener.set_name("http");
    listener.add_addresses()->set_ip("127.0.0.1");
    listener.mutable_addresses(0)->set_port(ntohs(address.sin_port));
    Result<std::vector<Fd>> bound = bind_listener(listener);
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().fault, Fault::busy);
    EXPECT_THAT(bound.error().what, HasSubstr("is taken by another program"));
    listener.set_name("metrics");
    EXPECT_THAT(bind_listener(listener).error().what, HasSubstr("choose another metrics.port"));
}

TEST_F(PlacesTest, ListenerWithoutANeededAddressIsOptional) {
    hardshell::proto::Listener listener;
    listener.set_name("metrics");
    for (const char* ip : {"203.0.113.7", "203.0.113.8"}) {  // TEST-NET-3: on no machine
        auto& address = *listener.add_addresses();
        address.set_ip(ip);
        address.set_port(9091);
        address.set_optional(true);
    }
    EXPECT_TRUE(is_optional(listener));
    Result<std::vector<Fd>> bound = bind_listener(listener);
    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error().what, HasSubstr("cannot listen on 203.0.113.7 port 9091"));
    listener.mutable_addresses(1)->set_optional(false);
    EXPECT_FALSE(is_optional(listener));
}

TEST_F(PlacesTest, ListenerTakesBothFamiliesWhereTheMachineHasThem) {
    hardshell::proto::Listener listener;
    listener.add_addresses()->set_ip("::");
    listener.mutable_addresses(0)->set_dual_stack(true);
    Result<std::vector<Fd>> bound = bind_listener(listener);
    ASSERT_TRUE(bound) << bound.error().what;
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ASSERT_EQ(getsockname(bound->at(0).get(), reinterpret_cast<sockaddr*>(&own), &size), 0);
    sockaddr_in caller{};
    caller.sin_family = AF_INET;
    caller.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    caller.sin_port = reinterpret_cast<sockaddr_in*>(&own)->sin_port;  // same place in both forms
    const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&caller), sizeof caller), 0);
}

TEST_F(PlacesTest, OptionalAddressMayBeMissing) {
    hardshell::proto::Listener listener;
    listener.add_addresses()->set_ip("127.0.0.1");
    listener.add_addresses()->set_ip("203.0.113.7");  // TEST-NET-3: on no machine
    listener.mutable_addresses(1)->set_optional(true);
    Result<std::vector<Fd>> bound = bind_listener(listener);
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound->size(), 1u);
}

Fd connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    Fd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return client;
}

class ControlSocketTest : public PlacesTest {
  protected:
    void open_socket() {
        auto opened = ControlSocket::open(
            *loop_, path(),
            [](const hardshell::proto::ControlRequest& request, ControlClient& client) {
                client.refuse("echo " + request.verb());
            });
        ASSERT_TRUE(opened) << opened.error().what;
        socket_ = std::move(*opened);
    }
    std::string path() const { return root_ + "/control.sock"; }
    void turn(std::chrono::milliseconds time = 20ms) {
        auto end = loop_->after(time, [&] { loop_->stop(0); });
        loop_->run();
    }
    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    std::unique_ptr<ControlSocket> socket_;
};

TEST_F(ControlSocketTest, IsNotTakenFromWhoAnswersOnIt) {
    open_socket();
    const auto second = ControlSocket::open(
        *loop_, path(), [](const hardshell::proto::ControlRequest&, ControlClient&) {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::busy);
    EXPECT_THAT(second.error().what, HasSubstr("HARDSHELL_RUN_DIR"));
}

TEST_F(ControlSocketTest, AnswersARequestAndIsForItsOwnerOnly) {
    open_socket();
    EXPECT_EQ(info(path()).st_mode & 0777, 0600u);
    const Fd client = connect_to(path());
    hardshell::proto::ControlRequest request;
    request.set_verb("hello");
    ASSERT_TRUE(write_one_frame(client.get(), request, 1'000));
    turn();
    Result<std::string> frame = read_one_frame(client.get(), 1'000);
    ASSERT_TRUE(frame);
    hardshell::proto::ControlReply reply;
    ASSERT_TRUE(reply.ParseFromString(*frame));
    EXPECT_EQ(reply.error(), "echo hello");
    EXPECT_TRUE(reply.last());
}

TEST_F(ControlSocketTest, ReplacesAFileLeftByASupervisorThatIsGone) {
    open_socket();
    // Left behind as kill -9 would: the file stays, nobody listens.
    ASSERT_EQ(rename(path().c_str(), (path() + ".old").c_str()), 0);
    socket_.reset();
    ASSERT_EQ(rename((path() + ".old").c_str(), path().c_str()), 0);
    open_socket();
    const Fd client = connect_to(path());
    EXPECT_TRUE(client);
}

TEST_F(ControlSocketTest, IsMadeAgainWhenItsFileIsGone) {
    open_socket();
    EXPECT_FALSE(socket_->mend()) << "nothing to do";
    ASSERT_EQ(unlink(path().c_str()), 0);
    EXPECT_TRUE(socket_->mend());
    EXPECT_EQ(socket_->trouble(), "");
    EXPECT_TRUE(connect_to(path()));
    // Once said is enough while something is in the way.
    ASSERT_EQ(unlink(path().c_str()), 0);
    std::ofstream(path()) << "a file";
    EXPECT_TRUE(socket_->mend());
    EXPECT_THAT(socket_->trouble(), HasSubstr(path()));
    EXPECT_FALSE(socket_->mend());
}

TEST_F(ControlSocketTest, HoldsItsDirectoryEvenWithoutItsFile) {
    open_socket();
    ASSERT_EQ(unlink(path().c_str()), 0);
    const auto second = ControlSocket::open(
        *loop_, path(), [](const hardshell::proto::ControlRequest&, ControlClient&) {});
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().what, HasSubstr("uses the run directory " + root_));
}

TEST_F(ControlSocketTest, LeavesTheFileOfAnotherWhereItIs) {
    open_socket();
    ASSERT_EQ(unlink(path().c_str()), 0);
    std::ofstream(path()) << "somebody's notes";
    socket_.reset();
    EXPECT_EQ(access(path().c_str(), F_OK), 0);
}

TEST_F(PlacesTest, RunDirectoryIsRefusedWithTheReason) {
    std::ofstream(root_ + "/file") << "x";
    EXPECT_THAT(prepare_run_dir(root_ + "/file", false).error().what, HasSubstr("is no directory"));
    const std::string deep = root_ + "/" + std::string(70, 'x');
    EXPECT_THAT(prepare_run_dir(deep, false).error().what, HasSubstr("107 are possible"));
}

TEST_F(ControlSocketTest, SurvivesGarbageAndAFrameThatIsTooLarge) {
    open_socket();
    const Fd garbage = connect_to(path());
    const char huge[] = "\xff\xff\xff\xff....";
    ASSERT_GT(write(garbage.get(), huge, sizeof huge), 0);
    turn();
    char byte;
    EXPECT_EQ(read(garbage.get(), &byte, 1), 0);  // closed
    std::vector<Fd> crowd;
    for (size_t i = 0; i < ControlSocket::most_clients + 8; ++i)
        crowd.push_back(connect_to(path()));
    turn();
    crowd.clear();
    turn();
    const Fd client = connect_to(path());
    hardshell::proto::ControlRequest request;
    request.set_verb("still there");
    ASSERT_TRUE(write_one_frame(client.get(), request, 1'000));
    turn();
    EXPECT_TRUE(read_one_frame(client.get(), 1'000));
}

}  // namespace
}  // namespace supervisor
