#include "workers/agent/auth_store.h"

#include <sys/stat.h>

#include "workers/common/log.h"
#include "workers/common/shared_file.h"

namespace agent {

namespace {

constexpr const char* file_name = "auth-profiles.json";

std::string directory_of(const std::string& state_dir, const std::string& agent) {
    return state_dir + "/agents/" + agent + "/agent";
}

}  // namespace

AuthStore::AuthStore(Services services) : services_(std::move(services)) {}

AuthStore::~AuthStore() {
    for (auto& [agent, file] : files_)
        if (!file.unwritten.empty()) write(file);
}

bool AuthStore::has_file(const std::string& agent) const {
    struct stat info {};
    const std::string path = directory_of(services_.state_dir, agent) + "/" + file_name;
    return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

AuthStore::File& AuthStore::file_of(const std::string& agent) {
    const bool is_plain = !agent.empty() && agent.find_first_of("/.") == std::string::npos;
    const std::string& used = is_plain && has_file(agent) ? agent : services_.default_agent;
    File& file = files_[used];
    if (file.directory.empty()) file.directory = directory_of(services_.state_dir, used);
    return file;
}

AuthStore::File& AuthStore::fresh(const std::string& agent) {
    File& file = file_of(agent);
    struct stat info {};
    const std::string path = file.directory + "/" + file_name;
    const bool is_there = ::lstat(path.c_str(), &info) == 0;
    const int64_t changed =
        is_there ? static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec
                 : -1;
    const int64_t size = is_there ? static_cast<int64_t>(info.st_size) : -1;
    if (file.changed_ns == changed && file.size == size && file.inode == info.st_ino) return file;
    file.changed_ns = changed;
    file.size = size;
    file.inode = info.st_ino;
    file.content = Json::object();
    if (!is_there) return file;
    const Result<SharedDirectory> directory = SharedDirectory::open(file.directory);
    Result<Json> content = directory ? directory->read(file_name) : directory.error();
    const std::string trouble = content ? "" : content.error().what;
    if (!trouble.empty() && trouble != file.trouble)
        log_warn("the keys of {} are not used: {}", path, trouble);
    file.trouble = trouble;
    if (content) file.content = std::move(*content);
    for (const Edit& edit : file.unwritten) edit(file.content);
    return file;
}

std::vector<AuthProfile> AuthStore::profiles(const std::string& agent,
                                             const std::string& provider) {
    if (services_.state_dir.empty()) return {};
    return profiles_in(fresh(agent).content, services_.config, provider, services_.now_ms());
}

std::optional<std::string> AuthStore::named(const std::string& agent, const std::string& provider,
                                            const std::string& name) {
    if (services_.state_dir.empty()) return {};
    return profile_named(fresh(agent).content, provider, name);
}

void AuthStore::failed(const std::string& agent, const std::string& id,
                       const ModelFailure& failure) {
    if (!is_about_the_key(failure.reason)) return;
    edit(
        fresh(agent),
        [&config = services_.config, id, failure, now = services_.now_ms()](Json& file) {
            note_failure(file, config, id, failure, now);
        },
        std::chrono::milliseconds(0));
}

void AuthStore::worked(const std::string& agent, const std::string& id) {
    File& file = fresh(agent);
    const bool was_in_trouble =
        int_member(member(member(file.content, "usageStats"), id), "errorCount") > 0;
    edit(
        file, [id, now = services_.now_ms()](Json& content) { note_success(content, id, now); },
        was_in_trouble ? std::chrono::milliseconds(0) : write_used_after);
}

void AuthStore::edit(File& file, Edit edit, std::chrono::milliseconds after) {
    edit(file.content);
    file.unwritten.push_back(std::move(edit));
    if (file.write && after.count() > 0) return;
    file.write = services_.loop.after(after, [this, &file] { write(file); });
}

void AuthStore::write(File& file) {
    file.write.reset();
    const Result<SharedDirectory> directory = SharedDirectory::open(file.directory);
    const auto apply = [&](Json& content) -> Done {
        if (!member(content, "profiles").is_object())
            return Error{Fault::bad_message, "it holds no keys any more"};
        for (const Edit& edit : file.unwritten) edit(content);
        return {};
    };
    const Done done = directory ? directory->change(file_name, apply, std::chrono::milliseconds(0))
                                : directory.error();
    if (!done && done.error().fault == Fault::busy) {
        file.write = services_.loop.after(write_again, [this, &file] { write(file); });
        return;
    }
    if (!done)
        log_warn("how the keys of {} did was not written down: {}", file.directory,
                 done.error().what);
    file.unwritten.clear();
}

}  // namespace agent
