#include "workers/planner/config_edit.h"

#include <sys/file.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "workers/common/base/fd.h"
#include "workers/planner/files.h"
#include "workers/planner/includes.h"
#include "workers/planner/json5.h"
#include "workers/planner/last_good.h"
#include "workers/planner/text_edit.h"
#include "workers/planner/writer.h"

namespace planner {

namespace {

// Each edit reads the text anew: more work than this is done by writing the file anew.
constexpr size_t most_work = 64u << 20;

bool is_same(const Json& one, const Json& other) {
    return edits_between(one, other).empty();
}

bool holds_include(const Json& value) {
    if (!value.is_structured()) return false;
    if (value.is_object() && value.contains(include_key)) return true;
    return std::any_of(value.begin(), value.end(), holds_include);
}

// As programs print it: without comments, in one line or with two spaces for each level.
bool is_made_by_a_program(const std::string& text, const Json& value) {
    const std::string bare = text.substr(0, text.find_last_not_of("\r\n") + 1);
    return bare == value.dump() || bare == value.dump(2);
}

std::string fresh_text(const Json& config) {
    return config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Error is_included(const PresentConfig& present, const Path& path) {
    bool complete = false;
    const Source& place = present.loaded.source.nearest(path, complete);
    const Files& files = present.loaded.files;
    const std::string file = place.file > 0 && place.file < files.size()
                                 ? files[place.file]
                                 : "a file that this one includes";
    return Error{Fault::bad_message, dotted(path) + " comes from " + file + ": change it there"};
}

Result<Json> content_of(const std::string& path, const std::string& text, bool of_file_alone) {
    if (of_file_alone) {
        Json5Reading reading = read_json5(text);
        if (reading.failure) return Error{Fault::bad_config, reading.failure->what};
        return std::move(reading.value);
    }
    Files files;
    Problems problems;
    Document document = read_with_includes(path, text, files, problems);
    if (!problems.empty()) return Error{Fault::bad_config, to_text(problems.front())};
    return std::move(document.value);
}

Result<std::string> text_by(const PresentConfig& present, const std::string& path,
                            const Json& wanted, const std::vector<Edit>& edits,
                            bool of_file_alone) {
    std::string text = present.exists ? present.text : "{}\n";
    const bool includes = !of_file_alone && holds_include(present.parsed);
    if (edits.size() * text.size() > most_work && !includes) return fresh_text(wanted);
    for (const Edit& edit : edits)
        if (Done done = apply_edit(text, edit); !done) return is_included(present, edit.path);
    const Result<Json> content = content_of(path, text, of_file_alone);
    if (!content) return content.error();
    if (is_same(*content, wanted)) return text;
    if (includes) return is_included(present, edits_between(*content, wanted).front().path);
    return fresh_text(wanted);
}

// One writer at a time, the command line's planner included. On a directory of the planner's own:
// the supervisor holds the state directory itself.
Fd lock_writing(const std::string& state_dir) {
    const std::string path = state_dir + "/hardshell/planner";
    Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory) (void)!::flock(directory.get(), LOCK_EX);
    return directory;
}

}  // namespace

Seen PresentConfig::seen() const {
    const Redaction redaction{loaded};
    const Json& own = loaded.usable() ? loaded.merged : remembered;
    return {own, redaction.shown(own),
            loaded.usable() ? redaction.shown(loaded.resolved) : Json::object()};
}

Result<PresentConfig> read_present(const hardshell::proto::PlanRequest& request,
                                   const Environment& environment) {
    PresentConfig present;
    const std::string& path = request.config_path();
    Result<std::string> text = read_file(path, largest_config);
    if (!text && text.error().sys != ENOENT) return text.error();
    present.exists = text.has_value();
    if (text) present.text = std::move(*text);
    present.hash = sha256_hex(present.text);
    if (!present.exists) {
        present.loaded = no_config(environment);
        return present;
    }
    if (Json5Reading reading = read_json5(present.text); !reading.failure)
        present.parsed = std::move(reading.value);
    present.loaded = load_config(path, present.text, environment);
    if (present.loaded.usable()) return present;
    if (std::optional<Json> kept = read_last_good(request.state_dir())) {
        present.remembered = std::move(*kept);
        present.loaded.resolved = load_merged(path, present.remembered, environment).resolved;
    }
    return present;
}

Result<std::string> edited_text(const PresentConfig& present, const std::string& path,
                                const Json& wanted, bool of_file_alone) {
    const Json& before = of_file_alone ? present.parsed : present.loaded.merged;
    return text_by(present, path, wanted, edits_between(before, wanted), of_file_alone);
}

Result<std::string> edited_text(const PresentConfig& present, const std::string& path,
                                const Json& wanted, const std::vector<Edit>& edits) {
    return text_by(present, path, wanted, edits, false);
}

Result<std::string> whole_text(const PresentConfig& present, const std::string& path,
                               const std::string& sent, const Json& parsed) {
    const bool readable = present.exists && present.loaded.problems.empty();
    if (!readable || !is_made_by_a_program(sent, parsed)) {
        std::string text = sent;
        if (Done restored = restore_text(text, present.seen()); !restored) return restored.error();
        return text;
    }
    Json wanted = parsed;
    const bool of_file_alone = holds_include(parsed);
    Seen seen = present.seen();
    if (of_file_alone) {
        const Json shown = Redaction{present.loaded}.shown(present.parsed);
        const Seen alone{present.parsed, shown, shown};
        if (Done restored = restore(wanted, alone, Kind::whole); !restored) return restored.error();
    } else if (Done restored = restore(wanted, seen, Kind::whole); !restored) {
        return restored.error();
    }
    return edited_text(present, path, wanted, of_file_alone);
}

Problems faults_of_text(const PresentConfig& present, const LoadedConfig& next) {
    Problems faults = next.problems;
    for (const Problem& unknown : next.unknown_keys) {
        const auto& known = present.loaded.unknown_keys;
        const bool was_there = std::any_of(known.begin(), known.end(), [&](const Problem& before) {
            return before.steps == unknown.steps;
        });
        if (!was_there) faults.push_back(unknown);
    }
    return faults;
}

std::string iso_time(int64_t now_ms) {
    const std::time_t seconds = now_ms / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(now_ms % 1000));
    return std::string(text, size) + fraction;
}

void stamp(std::string& text, int64_t now_ms) {
    const Json5Reading reading = read_json5(text);
    if (reading.failure || !member(reading.value, "meta").is_object()) return;
    std::string stamped = text;
    if (set_in_text(stamped, {"meta", "lastTouchedVersion"}, "2026.1.29") &&
        set_in_text(stamped, {"meta", "lastTouchedAt"}, iso_time(now_ms)))
        text = std::move(stamped);
}

Done write_over(const PresentConfig& present, const hardshell::proto::PlanRequest& request,
                const std::string& text) {
    const Fd lock = lock_writing(request.state_dir());
    const std::string& path = request.config_path();
    if (Done same = check_base_hash(path, present.hash); !same) return same;
    return write_config(path, text);
}

}  // namespace planner
