#include "tests/workers/cli/doubles.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "workers/common/base/frame_stream.h"

namespace cli_test {

using hardshell::proto::ControlReply;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;

Directory::Directory() : path_("/tmp/hardshell-cli-test-XXXXXX") {
    if (!mkdtemp(path_.data())) std::abort();
    for (const char* name : {"state", "run", "libexec"})
        std::filesystem::create_directory(path_ + "/" + name);
}

Directory::~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void Directory::write(const std::string& name, const std::string& text, int mode) const {
    const std::string file = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
    chmod(file.c_str(), static_cast<mode_t>(mode));
}

std::string Directory::read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path_ + "/" + name).rdbuf();
    return text.str();
}

bool Directory::has(const std::string& name) const {
    return std::filesystem::exists(path_ + "/" + name);
}

cli::Context context_in(const Directory& directory, const std::string& command,
                        const std::vector<std::string>& words,
                        const std::vector<std::pair<std::string, std::string>>& variables) {
    const std::map<std::string, std::string> known(variables.begin(), variables.end());
    cli::Context context;
    context.environment = [known](const std::string& name) {
        const auto found = known.find(name);
        return found == known.end() ? std::string() : found->second;
    };
    context.state_dir = directory.path() + "/state";
    context.config_path = context.state_dir + "/openclaw.json";
    context.run_dir = directory.path() + "/run";
    context.libexec_dir = directory.path() + "/libexec";
    std::error_code exists_already;
    std::filesystem::create_symlink(CLI_PLANNER_DOUBLE, context.libexec_dir + "/planner",
                                    exists_already);
    std::istringstream parts(command);
    const std::vector<std::string> names{std::istream_iterator<std::string>(parts), {}};
    auto arguments = cli::parse_arguments(*cli::find_command(names).command, words);
    if (!arguments) std::abort();
    context.arguments = *arguments;
    return context;
}

SupervisorDouble::SupervisorDouble(const Directory& directory, Answer answer)
    : answer_(std::move(answer)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory.path() + "/run/control.sock";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_.get(), 8) != 0)
        std::abort();
    thread_ = std::thread([this] { serve(); });
}

SupervisorDouble::~SupervisorDouble() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

void SupervisorDouble::serve() {
    for (;;) {
        const Fd client{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (!client) return;
        const Result<std::string> frame = read_one_frame(client.get(), 5000);
        hardshell::proto::ControlRequest request;
        if (!frame || !request.ParseFromString(*frame)) continue;
        for (const ControlReply& reply : answer_(request))
            if (!write_one_frame(client.get(), reply, 5000)) break;
    }
}

ControlReply last_reply() {
    ControlReply reply;
    reply.set_last(true);
    return reply;
}

ControlReply status_reply(const StatusReport& report) {
    ControlReply reply = last_reply();
    *reply.mutable_status() = report;
    return reply;
}

StatusReport healthy_report() {
    StatusReport report;
    report.set_version("0.1.0");
    report.set_pid(100);
    report.set_started_ms(1'000'000);
    report.set_state_dir("/data");
    report.set_config_path("/data/openclaw.json");
    report.set_plan_source("file");
    report.set_port(3000);
    report.set_bind("lan");
    for (const char* name : {"gateway", "agent"}) {
        WorkerStatus& worker = *report.add_workers();
        worker.set_name(name);
        worker.set_kind(name);
        worker.set_state(WorkerStatus::READY);
        worker.set_pid(101 + report.workers_size());
        worker.set_incarnation(1);
        worker.set_started_ms(1'000'000);
        worker.set_memory_bytes(3'500'000);
    }
    return report;
}

namespace {

bool read_all(int socket, void* into, size_t size) {
    auto* at = static_cast<char*>(into);
    while (size > 0) {
        const ssize_t count = ::read(socket, at, size);
        if (count <= 0) return false;
        at += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

void write_all(int socket, const std::string& text) {
    size_t sent = 0;
    while (sent < text.size()) {
        const ssize_t count = ::send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<size_t>(count);
    }
}

std::string accept_key(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    unsigned char encoded[64];
    const int size = EVP_EncodeBlock(encoded, digest, sizeof digest);
    return {reinterpret_cast<char*>(encoded), static_cast<size_t>(size)};
}

bool upgrade(int socket) {
    std::string head;
    for (char c; !head.ends_with("\r\n\r\n");) {
        if (head.size() > 8192 || !read_all(socket, &c, 1)) return false;
        head += c;
    }
    const std::string name = "Sec-WebSocket-Key: ";
    const size_t begin = head.find(name);
    if (begin == std::string::npos) return false;
    const std::string key =
        head.substr(begin + name.size(), head.find("\r\n", begin) - begin - name.size());
    write_all(socket,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                  accept_key(key) + "\r\n\r\n");
    return true;
}

std::string frame_of(unsigned char opcode, const std::string& text) {
    std::string frame{static_cast<char>(0x80 | opcode)};
    if (text.size() < 126) {
        frame += static_cast<char>(text.size());
    } else {
        frame += static_cast<char>(127);
        for (int shift = 56; shift >= 0; shift -= 8)
            frame += static_cast<char>((text.size() >> shift) & 0xff);
    }
    return frame + text;
}

struct Frame {
    int opcode;
    std::string text;
};
bool read_frame(int socket, Frame& frame) {
    unsigned char head[2];
    if (!read_all(socket, head, 2)) return false;
    frame.opcode = head[0] & 0x0f;
    uint64_t size = head[1] & 0x7f;
    unsigned char longer[8];
    const size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (!read_all(socket, longer, extra)) return false;
    if (extra > 0) size = 0;
    for (size_t i = 0; i < extra; ++i) size = size << 8 | longer[i];
    unsigned char mask[4];
    if (!read_all(socket, mask, 4)) return false;
    frame.text.resize(size);
    if (!read_all(socket, frame.text.data(), size)) return false;
    for (size_t i = 0; i < size; ++i)
        frame.text[i] = static_cast<char>(frame.text[i] ^ mask[i % 4]);
    return true;
}

void send_text(int socket, const std::string& text) {
    int code = 0;
    int read = 0;
    if (std::sscanf(text.c_str(), "CLOSE %d %n", &code, &read) == 1) {
        std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
        write_all(socket, frame_of(8, body + text.substr(static_cast<size_t>(read))));
    } else {
        write_all(socket, frame_of(1, text));
    }
}

}  // namespace

GatewayDouble::GatewayDouble(Answer answer)
    : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_.get(), 8) != 0 ||
        getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

GatewayDouble::~GatewayDouble() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

void GatewayDouble::serve() {
    for (;;) {
        const Fd client{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (!client) return;
        if (upgrade(client.get())) converse(client.get());
    }
}

void GatewayDouble::converse(int socket) {
    for (const std::string& text : answer_("")) send_text(socket, text);
    for (Frame frame; read_frame(socket, frame);) {
        if (frame.opcode == 8) {
            write_all(socket, frame_of(8, frame.text));
            return;
        }
        if (frame.opcode != 1) continue;
        for (const std::string& text : answer_(frame.text)) send_text(socket, text);
    }
}

std::string hardshell_program() {
    const char* build = std::getenv("HARDSHELL_BUILD");
    return std::string(build ? build : ".") + "/hardshell";
}

Outcome run(const std::vector<std::string>& words,
            const std::vector<std::pair<std::string, std::string>>& variables) {
    int out[2];
    int err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) std::abort();
    std::vector<std::string> settings;
    for (const auto& [name, value] : variables) settings.push_back(name + "=" + value);
    std::vector<std::string> copies = words;
    std::vector<char*> arguments, environment;
    for (std::string& word : copies) arguments.push_back(word.data());
    for (std::string& setting : settings) environment.push_back(setting.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    pid_t pid = 0;
    const int failed =
        posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    Fd ends[2] = {Fd{out[0]}, Fd{err[0]}};
    ::close(out[1]);
    ::close(err[1]);
    Outcome outcome;
    if (failed != 0) return outcome;
    std::string* texts[2] = {&outcome.out, &outcome.err};
    while (ends[0] || ends[1]) {
        pollfd watched[2] = {{ends[0].get(), POLLIN, 0}, {ends[1].get(), POLLIN, 0}};
        if (poll(watched, 2, 30'000) <= 0) break;
        for (int i = 0; i < 2; ++i) {
            if (watched[i].revents == 0) continue;
            char bytes[4096];
            const ssize_t count = ::read(ends[i].get(), bytes, sizeof bytes);
            if (count > 0)
                texts[i]->append(bytes, static_cast<size_t>(count));
            else
                ends[i].reset();
        }
    }
    int status = 0;
    waitpid(pid, &status, 0);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
}

}  // namespace cli_test
