#include "workers/agent/cron/run_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "workers/agent/cron/job_file.h"
#include "workers/agent/transcript_file.h"

namespace agent {

namespace {

bool ends_without_break(int descriptor, uint64_t size) {
    if (size == 0) return false;
    const Result<std::string> last = read_at(descriptor, size - 1, 1);
    return last && *last != "\n";
}

}  // namespace

std::string RunLog::path_of(const std::string& job_id) const {
    return directory_ + "/" + job_id + ".jsonl";
}

Done RunLog::add(const std::string& job_id, const Json& entry) const {
    if (!is_job_id(job_id))
        return Error{Fault::bad_message, "no job has the id \"" + job_id + "\""};
    const Result<std::vector<Json>> before = last(job_id, 1);
    if (before && !before->empty() && member(before->front(), "runAtMs") == entry["runAtMs"])
        return {};
    const std::string parent = directory_.substr(0, directory_.rfind('/'));
    for (const std::string& folder : {parent, directory_})
        if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
            return system_error("cannot create " + folder, errno);
    const std::string path = path_of(job_id);
    const uint64_t size = file_size(path);
    std::string line = print_json(entry) + "\n";
    if (const Result<Fd> file = open_regular(path, O_RDONLY);
        file && ends_without_break(file->get(), size))
        line.insert(line.begin(), '\n');  // what a crash left is a line of its own
    if (const Done done = append_lines(path, size, line, true); !done) return done;
    return size + line.size() > prune_beyond ? prune(path) : Done();
}

Result<std::vector<Json>> RunLog::last(const std::string& job_id, size_t most) const {
    if (!is_job_id(job_id))
        return Error{Fault::bad_message, "no job has the id \"" + job_id + "\""};
    std::vector<Json> entries;
    if (file_size(path_of(job_id)) == 0) return entries;
    const Done done = read_backwards(path_of(job_id), [&](std::string_view line) {
        Result<Json> entry = parse_json(line);
        if (entry && text_view(*entry, "action") == "finished")
            entries.push_back(std::move(*entry));
        return entries.size() < most;
    });
    if (!done) return done.error();
    std::reverse(entries.begin(), entries.end());
    return entries;
}

void RunLog::remove(const std::string& job_id) const {
    if (is_job_id(job_id)) ::unlink(path_of(job_id).c_str());
}

Done RunLog::prune(const std::string& path) const {
    std::vector<std::string> lines;
    size_t bytes = 0;
    const Done done = read_backwards(path, [&](std::string_view line) {
        lines.emplace_back(line);
        bytes += line.size();
        return lines.size() < kept_lines && bytes < prune_beyond;
    });
    if (!done) return done;
    std::string text;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) text += *line + "\n";
    return replace_file(path, text, "");
}

}  // namespace agent
