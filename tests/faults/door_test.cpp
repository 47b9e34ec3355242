// The run directory in every wrong state, and callers at the control socket who mean harm.

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "proto/control.pb.h"
#include "tests/faults/fault_test.h"
#include "tests/faults/own_mount.h"

using namespace std::chrono_literals;

namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

Fd bound_socket(const std::string& path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path);
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return socket;
}

Fd connected(const std::string& path, int flags = 0) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    const sockaddr_un address = address_of(path);
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return socket;
}

// A directory of the test's own, below which the run directory is prepared.
class RunDirectory : public FaultTest {
  protected:
    RunDirectory() {
        char name[] = "/tmp/hf-run-XXXXXX";
        top = mkdtemp(name);
        chmod(top.c_str(), 0755);
        run = top + "/run";
    }
    ~RunDirectory() override {
        std::error_code failure;
        std::filesystem::remove_all(top, failure);
    }

    Supervised::Options here() const {
        Supervised::Options options;
        options.run_dir = run;
        options.place = GetParam();
        return options;
    }
    // Without asking at the door whether it has begun.
    void start_here() {
        supervisor = std::make_unique<Supervised>(here());
        supervisor->set_plan(usual_plan);
        supervisor->start();
    }
    void expect_refusal(const std::string& why) {
        start_here();
        EXPECT_EQ(supervisor->wait_exit(), 1);
        EXPECT_TRUE(supervisor->wait_line(why)) << supervisor->log().text();
        EXPECT_TRUE(supervisor->wait_line(run)) << "names the directory";
    }
    // Serves without a door, and says so.
    void expect_no_door() {
        start_here();
        EXPECT_TRUE(supervisor->wait_line("cannot listen on the control socket " + run));
        EXPECT_TRUE(supervisor->wait_line("the command line cannot reach this gateway"));
        for (const char* worker : {"gateway", "agent", "one", "two"})
            EXPECT_TRUE(supervisor->wait_line(std::string(worker) + " is ready"));
        stop();
    }

    std::string top;
    std::string run;
};

TEST_P(RunDirectory, ThatIsMissingIsMade) {
    covers("43");
    run = top + "/not/yet/there";
    start(usual_plan, here());
}

TEST_P(RunDirectory, ThatCannotBeWrittenIsNamed) {
    covers("43");
    OwnMount disk;
    if (!disk.in_memory(1u << 20)) GTEST_SKIP() << "no file system may be mounted here";
    run = disk.path() + "/run";
    ASSERT_TRUE(disk.make_read_only());
    expect_refusal("cannot create the directory");
    TearDown();
    ASSERT_TRUE(disk.make_writable());
    std::filesystem::create_directories(run);
    ASSERT_TRUE(disk.make_read_only());
    expect_refusal("Read-only file system");
    TearDown();
}

TEST_P(RunDirectory, OfSomebodyElseIsNamed) {
    covers("43");
    std::filesystem::create_directories(run);
    if (chown(run.c_str(), 12'345, 12'345) != 0) GTEST_SKIP() << "not root";
    expect_refusal("belongs to somebody else");
}

TEST_P(RunDirectory, ThatIsALinkIsNotFollowed) {
    covers("43");
    std::filesystem::create_directories(top + "/target");
    std::filesystem::create_directory_symlink(top + "/target", run);
    expect_refusal("is a symbolic link, which is not followed");
    EXPECT_TRUE(std::filesystem::is_empty(top + "/target"));
}

TEST_P(RunDirectory, StaleSocketInItIsReplaced) {
    covers("43");
    std::filesystem::create_directories(run);
    bound_socket(run + "/control.sock").reset();  // the file stays
    ASSERT_TRUE(std::filesystem::is_socket(run + "/control.sock"));
    start(usual_plan, here());
    stop();
    EXPECT_FALSE(std::filesystem::exists(run + "/control.sock"));
}

TEST_P(RunDirectory, DirectoryInPlaceOfTheSocketIsNamed) {
    covers("43");
    std::filesystem::create_directories(run + "/control.sock/full");
    expect_no_door();
    EXPECT_TRUE(std::filesystem::is_directory(run + "/control.sock/full"));
}

TEST_P(RunDirectory, FileInPlaceOfTheSocketIsKept) {
    covers("43");
    std::filesystem::create_directories(run);
    std::ofstream(run + "/control.sock") << "somebody's notes";
    expect_no_door();
    EXPECT_TRUE(std::filesystem::is_regular_file(run + "/control.sock"));
}

TEST_P(RunDirectory, OfALiveSupervisorIsLeftToIt) {
    covers("43");
    start(usual_plan, here());
    const ino_t before = [&] {
        struct stat info {};
        stat(supervisor->control_socket().c_str(), &info);
        return info.st_ino;
    }();
    Supervised second(here());
    second.set_plan("worker gateway gateway\n");
    second.start();
    EXPECT_EQ(second.wait_exit(), 1);
    EXPECT_TRUE(second.wait_line("another gateway uses the run directory"));
    EXPECT_TRUE(second.wait_line("HARDSHELL_RUN_DIR"));
    EXPECT_EQ(second.left_behind(2s), std::vector<pid_t>());
    struct stat info {};
    ASSERT_EQ(stat(supervisor->control_socket().c_str(), &info), 0);
    EXPECT_EQ(info.st_ino, before);
    EXPECT_TRUE(supervisor->ask("status"));
    expect_others_untouched({});
}

// Busy is not gone: nobody accepts at the moment, and no more may wait.
TEST_P(RunDirectory, SocketOfAListenerThatIsBusyIsNotTaken) {
    covers("43");
    std::filesystem::create_directories(run);
    const std::string path = run + "/control.sock";
    const Fd listener = bound_socket(path);
    ASSERT_TRUE(listener);
    ASSERT_EQ(listen(listener.get(), 0), 0);
    std::vector<Fd> waiting;
    while (Fd next = connected(path, SOCK_NONBLOCK)) waiting.push_back(std::move(next));
    ASSERT_EQ(errno, EAGAIN);
    expect_refusal("another gateway uses the run directory");
    EXPECT_TRUE(std::filesystem::is_socket(path));
    ASSERT_GT(accept(listener.get(), nullptr, nullptr), 0);
    EXPECT_TRUE(connected(path)) << "the listener is still the one at the path";
}

TEST_P(RunDirectory, ThatIsAFileIsNamed) {
    covers("43");
    std::ofstream(run) << "somebody's notes";
    expect_refusal("is no directory");
}

TEST_P(RunDirectory, ThatLeavesNoRoomForTheLinksIsRefused) {
    covers("43");
    run = top + "/" + std::string(70, 'x');
    expect_refusal("107 are possible");
}

TEST_P(RunDirectory, SocketThatIsTakenAwayIsMadeAgain) {
    covers("43");
    start(usual_plan, here());
    ASSERT_TRUE(std::filesystem::remove(run + "/control.sock"));
    EXPECT_TRUE(eventually([&] { return static_cast<bool>(supervisor->ask("status")); }));
    std::filesystem::remove_all(run);
    EXPECT_TRUE(eventually([&] { return static_cast<bool>(supervisor->ask("status")); }));
    Supervised second(here());
    second.set_plan("worker gateway gateway\n");
    second.start();
    EXPECT_EQ(second.wait_exit(), 1);
    EXPECT_TRUE(second.wait_line("another gateway uses the run directory " + run));
    // Its links have their places again.
    const uint64_t life = supervisor->status("agent").incarnation();
    kill(supervisor->worker("agent"), SIGKILL);
    EXPECT_TRUE(supervisor->wait_ready_after("agent", life));
    EXPECT_TRUE(std::filesystem::is_directory(run + "/links/gateway-agent"));
}

AT_BOTH_PLACES(RunDirectory);

std::string with_length(uint32_t size, const std::string& bytes) {
    return std::string{static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                       static_cast<char>(size >> 8), static_cast<char>(size)} +
           bytes;
}

std::string request_for(const std::string& verb) {
    hardshell::proto::ControlRequest request;
    request.set_verb(verb);
    const std::string bytes = request.SerializeAsString();
    return with_length(static_cast<uint32_t>(bytes.size()), bytes);
}

bool say(const Fd& socket, const std::string& bytes) {
    return send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(bytes.size());
}

// The other end has closed it.
bool is_closed(const Fd& socket) {
    char byte;
    const ssize_t count = recv(socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN);
}

class Door : public FaultTest {
  protected:
    void start_watched() {
        rlimit files{};
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        start();
        resident_ = supervisor->resident_kib();
    }
    Fd call() const { return connected(supervisor->control_socket()); }
    void expect_bounded() {
        EXPECT_LT(supervisor->resident_kib(), resident_ + 4096u * slowness);
        EXPECT_TRUE(supervisor->ask("status", {}, 2s));
        expect_others_untouched({});
    }

  private:
    size_t resident_ = 0;
};

TEST_P(Door, AnswersOthersWhileCallersHangInMidRequest) {
    covers("45");
    start_watched();
    std::vector<Fd> callers;
    const std::string half = with_length(1000, "half a request");
    for (int i = 0; i < 100; ++i) {
        callers.push_back(call());
        ASSERT_TRUE(callers.back());
        (void)say(callers.back(), half);
    }
    ASSERT_TRUE(supervisor->ask("status", {}, 2s));
    // One byte now and then does not buy time.
    const Fd slow = call();
    const std::string request = with_length(5000, std::string(5000, 'x'));
    size_t at = 0;
    const int64_t begin = monotonic_us();
    EXPECT_TRUE(eventually(
        [&] {
            if (at < request.size()) (void)say(slow, request.substr(at++, 1));
            return is_closed(slow);
        },
        10s, 50ms));
    remark("a slow caller is closed after " + std::to_string((monotonic_us() - begin) / 1'000'000) +
           " s");
    for (const Fd& caller : callers) EXPECT_TRUE(eventually([&] { return is_closed(caller); }));
    expect_bounded();
}

TEST_P(Door, ClosesWhoAnnouncesTwoGibibytes) {
    covers("45");
    start_watched();
    for (const uint32_t size : {0x7fffffffu, 0xffffffffu, 0x80000000u, (1u << 20) + 1}) {
        const Fd caller = call();
        ASSERT_TRUE(caller);
        ASSERT_TRUE(say(caller, with_length(size, "x")));
        EXPECT_TRUE(eventually([&] { return is_closed(caller); }, 2s)) << size;
    }
    expect_bounded();
}

TEST_P(Door, AnswersOthersWithAThousandCallers) {
    covers("45");
    start_watched();
    std::vector<Fd> callers;
    for (int i = 0; i < 1'000; ++i) {
        callers.push_back(call());
        ASSERT_TRUE(callers.back()) << i << ": " << std::strerror(errno);
    }
    EXPECT_TRUE(supervisor->ask("status", {}, 2s));
    const uint64_t life = supervisor->status("one").incarnation();
    const int64_t time = supervisor->kill_to_next_life("one");
    EXPECT_GE(time, 0);
    EXPECT_TRUE(supervisor->wait_ready_after("one", life));
    EXPECT_LE(supervisor->descriptors(), 100u);
    callers.clear();
    remark("respawn meanwhile in " + std::to_string(time / 1000) + " ms");
}

TEST_P(Door, AnswersOthersWhileSomeListenToTheLogForEver) {
    covers("45");
    start_watched();
    hardshell::proto::ControlRequest request;
    request.set_verb("logs");
    for (const char* argument : {"", "10", "follow"}) request.add_arguments(argument);
    const std::string bytes = request.SerializeAsString();
    std::vector<Fd> callers;
    for (int i = 0; i < 64; ++i) {
        callers.push_back(call());
        ASSERT_TRUE(callers.back());
        (void)say(callers.back(), with_length(static_cast<uint32_t>(bytes.size()), bytes));
    }
    EXPECT_TRUE(supervisor->ask("status", {}, 2s));
    callers.clear();
    expect_bounded();
}

TEST_P(Door, KeepsNoAnswersForWhoDoesNotReadThem) {
    covers("45");
    start_watched();
    const std::string request = request_for("status");
    std::string many;
    for (int i = 0; i < 1'000; ++i) many += request;
    std::vector<Fd> callers;
    for (int i = 0; i < 20; ++i) {
        callers.push_back(call());
        ASSERT_TRUE(callers.back());
        for (int turn = 0; turn < 20; ++turn) (void)say(callers.back(), many);
    }
    expect_bounded();
    for (const Fd& caller : callers)
        EXPECT_TRUE(eventually([&] {
            char buffer[65536];
            return recv(caller.get(), buffer, sizeof buffer, MSG_DONTWAIT) == 0 ||
                   (errno != EAGAIN && is_closed(caller));
        })) << "one request per connection";
    expect_bounded();
}

TEST_P(Door, OutlivesRandomBytes) {
    covers("45");
    start_watched();
    std::mt19937 random(45);
    for (int i = 0; i < 300; ++i) {
        const Fd caller = call();
        ASSERT_TRUE(caller);
        std::string bytes(random() % 400, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        // Half of them with a length that is right, so that the parser gets to see them.
        if (i % 2 == 0) bytes = with_length(static_cast<uint32_t>(bytes.size()), bytes);
        (void)say(caller, bytes);
    }
    expect_bounded();
}

AT_BOTH_PLACES(Door);

}  // namespace
