#include "tests/support/process_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_set>

#include "workers/common/base/fd.h"

namespace {

std::optional<ProcessEntry> read_entry(pid_t pid) {
    const std::string stat = read_proc(pid, "stat");
    const size_t open = stat.find('(');
    const size_t close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 4 > stat.size())
        return std::nullopt;
    ProcessEntry entry;
    entry.pid = pid;
    entry.name = stat.substr(open + 1, close - open - 1);
    entry.state = stat[close + 2];
    entry.parent = std::atoi(stat.c_str() + close + 4);
    const std::string status = read_proc(pid, "status");
    const size_t user = status.find("\nUid:");
    if (user != std::string::npos)
        entry.user = static_cast<uid_t>(std::strtoul(status.c_str() + user + 5, nullptr, 10));
    return entry;
}

std::vector<ProcessEntry> all_processes() {
    std::vector<ProcessEntry> found;
    std::error_code failure;
    for (const auto& item : std::filesystem::directory_iterator("/proc", failure)) {
        const std::string name = item.path().filename();
        if (!std::isdigit(static_cast<unsigned char>(name[0]))) continue;
        if (auto entry = read_entry(std::atoi(name.c_str()))) found.push_back(std::move(*entry));
    }
    return found;
}

// Adds the frame numbers of the pages present between two addresses.
void add_frames(int pagemap, uint64_t begin, uint64_t end, std::unordered_set<uint64_t>& frames) {
    constexpr uint64_t present = uint64_t{1} << 63;
    constexpr uint64_t frame_bits = (uint64_t{1} << 55) - 1;
    const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    std::vector<uint64_t> entries((end - begin) / page);
    const size_t wanted = entries.size() * sizeof(uint64_t);
    const off_t offset = static_cast<off_t>(begin / page * sizeof(uint64_t));
    if (::pread(pagemap, entries.data(), wanted, offset) != static_cast<ssize_t>(wanted)) return;
    for (const uint64_t entry : entries)
        if ((entry & present) && (entry & frame_bits) != 0) frames.insert(entry & frame_bits);
}

}  // namespace

// Not a stream: those throw when the process ends between opening and reading.
std::string read_proc(pid_t pid, const std::string& file) {
    const Fd descriptor(
        ::open(("/proc/" + std::to_string(pid) + "/" + file).c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    char buffer[4096];
    for (ssize_t count; (count = ::read(descriptor.get(), buffer, sizeof buffer)) > 0;)
        content.append(buffer, static_cast<size_t>(count));
    return content;
}

std::vector<ProcessEntry> descendants_of(pid_t root) {
    const std::vector<ProcessEntry> all = all_processes();
    std::set<pid_t> inside = {root};
    std::vector<ProcessEntry> found;
    for (bool grew = true; grew;) {
        grew = false;
        for (const ProcessEntry& entry : all)
            if (inside.count(entry.parent) && inside.insert(entry.pid).second) {
                found.push_back(entry);
                grew = true;
            }
    }
    return found;
}

bool is_running(pid_t pid) {
    const auto entry = read_entry(pid);
    return entry && entry->state != 'Z' && entry->state != 'X';
}

size_t proportional_set_size(const std::vector<pid_t>& pids) {
    size_t kibibytes = 0;
    for (const pid_t pid : pids) {
        const std::string rollup = read_proc(pid, "smaps_rollup");
        const size_t line = rollup.find("\nPss:");
        if (line != std::string::npos)
            kibibytes += std::strtoul(rollup.c_str() + line + 5, nullptr, 10);
    }
    return kibibytes * 1024;
}

size_t distinct_pages_size(const std::vector<pid_t>& pids) {
    std::unordered_set<uint64_t> frames;
    for (const pid_t pid : pids) {
        const Fd pagemap(
            ::open(("/proc/" + std::to_string(pid) + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
        std::istringstream maps(read_proc(pid, "maps"));
        for (std::string line; std::getline(maps, line);) {
            unsigned long begin = 0, end = 0;
            // The kernel's own pages in every process are nobody's memory.
            if (line.find("[v") != std::string::npos ||
                std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2)
                continue;
            add_frames(pagemap.get(), begin, end, frames);
        }
    }
    return frames.size() * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}
