#include "workers/planner/restart_sentinel.h"

#include <unistd.h>

#include "workers/planner/files.h"

namespace planner {

namespace {

constexpr size_t largest_note = 64u << 10;

std::string sentinel_file(const std::string& state_dir) {
    return state_dir + "/restart-sentinel.json";
}

}  // namespace

Json write_restart_sentinel(const std::string& state_dir, const Json& params,
                            const std::string& method, int64_t now_ms) {
    Json payload = {{"kind", "config-apply"}, {"status", "ok"}, {"ts", now_ms}};
    if (const std::string key = text_member(params, "sessionKey"); !key.empty())
        payload["sessionKey"] = key;
    const std::string note = text_member(params, "note");
    payload["message"] = note.empty() ? Json() : Json(note);
    payload["doctorHint"] = "Run: hardshell doctor";
    payload["stats"] = {{"mode", method}, {"root", state_dir}};
    const std::string path = sentinel_file(state_dir);
    const Json file = {{"version", 1}, {"payload", payload}};
    (void)write_file(path, file.dump(2) + "\n", Durable::no);
    return {{"path", path}, {"payload", payload}};
}

std::optional<Json> take_restart_sentinel(const std::string& state_dir) {
    const std::string path = sentinel_file(state_dir);
    const Result<std::string> text = read_file(path, largest_note);
    if (!text) return std::nullopt;
    ::unlink(path.c_str());
    const Result<Json> file = parse_json(*text);
    if (!file || !member(*file, "payload").is_object()) return std::nullopt;
    return member(*file, "payload");
}

}  // namespace planner
