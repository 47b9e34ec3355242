#include "workers/agent/skill_folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "workers/common/base/fd.h"

namespace agent {

namespace {

constexpr const char* file_name = "SKILL.md";
constexpr size_t largest_file = 256u << 10;
constexpr int deepest = 3;
constexpr size_t most_skills = 256;
constexpr size_t most_entries = 4'096;

class Walk {
  public:
    explicit Walk(std::string source) : source_(std::move(source)) {}

    std::vector<SkillFile> found;

    void enter(Fd folder, const std::string& path, int depth) {
        std::string text = read_skill(folder.get());
        if (!text.empty()) {
            found.push_back({source_, path, std::move(text)});
            return;  // what is inside belongs to it
        }
        if (depth >= deepest) return;
        for (const std::string& name : folders_in(folder.get())) {
            if (found.size() >= most_skills) return;
            Fd inside(openat(folder.get(), name.c_str(),
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (inside) enter(std::move(inside), path + "/" + name, depth + 1);
        }
    }

  private:
    static std::string read_skill(int folder) {
        const Fd file(openat(folder, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        struct stat info {};
        if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
        if (info.st_size <= 0 || static_cast<size_t>(info.st_size) > largest_file) return {};
        std::string text(static_cast<size_t>(info.st_size), '\0');
        const ssize_t count = read(file.get(), text.data(), text.size());
        text.resize(count > 0 ? static_cast<size_t>(count) : 0);
        return text;
    }

    std::vector<std::string> folders_in(int folder) {
        std::vector<std::string> names;
        const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR* listing = own >= 0 ? fdopendir(own) : nullptr;
        if (!listing) {
            if (own >= 0) close(own);
            return names;
        }
        while (const dirent* entry = readdir(listing)) {
            if (++entries_ > most_entries) break;
            const std::string_view name = entry->d_name;
            const bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
            if (may_be_folder && !name.starts_with('.') && name != "node_modules")
                names.emplace_back(name);
        }
        closedir(listing);
        std::sort(names.begin(), names.end());
        return names;
    }

    std::string source_;
    size_t entries_ = 0;
};

}  // namespace

std::vector<SkillFolder> skill_folders_of(const Json& config, const std::string& workspace,
                                          const std::string& state_dir) {
    // A worker's directory is the state directory.
    const auto absolute = [&](const std::string& path) {
        return path.starts_with('/') ? path : state_dir + "/" + path;
    };
    std::vector<SkillFolder> folders;
    const Json& extra = member_at(config, "skills.load.extraDirs");
    if (extra.is_array())
        for (const Json& path : extra)
            if (path.is_string() && !path.get_ref<const std::string&>().empty())
                folders.push_back({"openclaw-extra", absolute(path.get<std::string>())});
    folders.push_back({"openclaw-managed", absolute("skills")});
    folders.push_back({"openclaw-workspace", absolute(workspace + "/skills")});
    return folders;
}

std::vector<SkillFile> find_skills(const std::vector<SkillFolder>& folders) {
    std::vector<SkillFile> all;
    for (const SkillFolder& folder : folders) {
        Fd top(open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!top) continue;
        Walk walk(folder.source);
        walk.enter(std::move(top), folder.path, 0);
        std::move(walk.found.begin(), walk.found.end(), std::back_inserter(all));
    }
    return all;
}

}  // namespace agent
