// cron/jobs.json: {version: 1, jobs: [...]}, as OpenClaw reads and writes it.
//
// Promises that a change is on the disk, whole, when save() has returned, with the content before
// it in jobs.json.bak; that a file which cannot be read as JSON is kept aside and never
// overwritten; and that what it does not know stays. A file that another program changed is read
// again; one that cannot be read yet is given time, for its writer may not be through.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "workers/agent/sessions_json.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

class JobFile {
  public:
    explicit JobFile(std::string path) : path_(std::move(path)) {}

    // Reads it, or reads it again where it has changed (`is_news`). What was wrong with it is
    // logged. An error: it cannot be read now, and must not be written.
    Done refresh(int64_t now_ms, bool& is_news);
    // The jobs: objects with an id of their own. Change them, then save.
    const std::vector<Json*>& jobs() const { return jobs_; }
    Json* find(const std::string& id) const;
    Json& add(Json job);
    void remove(const std::string& id);
    Done save();

    static constexpr size_t largest = 16u << 20;
    // So long after its last change a file that cannot be read counts as damaged.
    static constexpr int64_t patience_ms = 5'000;

  private:
    Result<Json> read(const std::string& text, int64_t now_ms) const;
    Json from_damaged(const std::string& why, int64_t now_ms) const;
    void index();

    std::string path_;
    FileStamp stamp_;
    bool is_read_ = false;
    Json content_;
    std::vector<Json*> jobs_;  // into content_
    std::unordered_map<std::string, Json*> by_id_;
};

// A job's id becomes a file name and a part of a session key.
bool is_job_id(std::string_view text);

// Replaces the file at once, durably; its directory is created.
Done replace_file(const std::string& path, std::string_view text, const std::string& backup);

}  // namespace agent
