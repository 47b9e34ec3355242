#include "workers/planner/includes.h"

#include <algorithm>
#include <cerrno>

#include "workers/planner/files.h"
#include "workers/planner/json5.h"

namespace planner {

namespace {

constexpr size_t deepest_include = 10;
constexpr size_t most_files = 64;
constexpr size_t most_bytes = 2 * largest_config;

void merge(Document& base, Document&& over);

void merge_member(Document& base, const std::string& key, Json&& value, Source&& source) {
    const auto present = base.value.find(key);
    if (present == base.value.end()) {
        base.value[key] = std::move(value);
        base.source.members[key] = std::move(source);
        return;
    }
    Document inner{std::move(*present), std::move(base.source.members[key])};
    merge(inner, {std::move(value), std::move(source)});
    *present = std::move(inner.value);
    base.source.members[key] = std::move(inner.source);
}

void merge(Document& base, Document&& over) {
    if (base.value.is_object() && over.value.is_object()) {
        for (auto& [key, value] : over.value.items())
            merge_member(base, key, std::move(value), std::move(over.source.members[key]));
    } else if (base.value.is_array() && over.value.is_array()) {
        for (Json& value : over.value) base.value.push_back(std::move(value));
        for (Source& source : over.source.elements)
            base.source.elements.push_back(std::move(source));
    } else {
        base = std::move(over);
    }
}

int depth_of(const Json& value) {
    int deepest = 0;
    if (value.is_structured())
        for (const Json& inner : value) deepest = std::max(deepest, 1 + depth_of(inner));
    return deepest;
}

class Includer {
  public:
    Includer(Files& files, Problems& problems) : files_(files), problems_(problems) {}

    Document read(const std::string& path, std::string_view text) {
        const auto number = static_cast<uint32_t>(files_.size());
        files_.push_back(path);
        Json5Reading reading = read_json5(text, number);
        if (reading.failure) {
            problems_.push_back({path, reading.failure->at, "", reading.failure->what, ""});
            return {Json::object(), {}};
        }
        Document document{std::move(reading.value), std::move(reading.source)};
        open_.push_back(path);
        expand(document);
        open_.pop_back();
        return document;
    }

  private:
    // Replaces every object with $include, innermost first.
    void expand(Document& document) {
        if (document.value.is_array()) {
            for (size_t index = 0; index < document.value.size(); ++index)
                expand_child(document.value[index], document.source.elements[index]);
        } else if (document.value.is_object()) {
            for (auto& [key, value] : document.value.items())
                if (key != include_key) expand_child(value, document.source.members[key]);
            if (document.value.contains(include_key)) include_into(document);
        }
    }

    void expand_child(Json& value, Source& source) {
        if (!value.is_structured()) return;
        Document child{std::move(value), std::move(source)};
        expand(child);
        value = std::move(child.value);
        source = std::move(child.source);
    }

    void include_into(Document& document) {
        const Json paths = document.value[include_key];
        const Source place = document.source.members[include_key];
        document.value.erase(include_key);
        document.source.members.erase(include_key);
        Document included;
        if (!include_all(paths, place, included)) return;
        if (document.value.empty()) {
            included.source.key = document.source.key;
            document = std::move(included);
        } else if (!included.value.is_object()) {
            complain(place,
                     "expected an object in the included file, because other keys stand "
                     "beside $include");
        } else {
            merge(included, std::move(document));
            document = std::move(included);
        }
    }

    bool include_all(const Json& paths, const Source& place, Document& into) {
        if (paths.is_string()) return include_one(paths.get<std::string>(), place, into);
        if (!paths.is_array()) {
            complain(place, "expected a path or a list of paths");
            return false;
        }
        into = {Json::object(), place};
        bool first = true;
        for (size_t index = 0; index < paths.size(); ++index) {
            const Source& where = place.elements[index];
            Document one;
            if (!paths[index].is_string()) {
                complain(where, "expected a path");
                return false;
            }
            if (!include_one(paths[index].get<std::string>(), where, one)) return false;
            if (first)
                into = std::move(one);
            else
                merge(into, std::move(one));
            first = false;
        }
        return true;
    }

    bool include_one(const std::string& path, const Source& place, Document& into) {
        const std::string& from = files_[place.file];
        const std::string target = normal_path(directory_of(from), path);
        if (std::find(open_.begin(), open_.end(), target) != open_.end())
            return complain(place, "the file includes itself: " + cycle(target));
        if (open_.size() > deepest_include)
            return complain(place, "included more than 10 files deep");
        if (files_.size() >= most_files) return complain(place, "more than 64 files are included");
        const Result<std::string> text = read_file(target, largest_config);
        if (!text) return complain(place, "cannot include it: " + text.error().what);
        bytes_ += text->size();
        if (bytes_ > most_bytes)
            return complain(place, "the included files are larger than 2 MiB together");
        const size_t before = problems_.size();
        into = read(target, *text);
        return problems_.size() == before;
    }

    std::string cycle(const std::string& target) const {
        std::string text;
        auto at = std::find(open_.begin(), open_.end(), target);
        for (; at != open_.end(); ++at) text += *at + " -> ";
        return text + target;
    }

    bool complain(const Source& place, std::string what) {
        problems_.push_back({files_[place.file], place.value, include_key, std::move(what), ""});
        return false;
    }

    Files& files_;
    Problems& problems_;
    Files open_;  // the files being read, outermost first
    size_t bytes_ = 0;
};

}  // namespace

Document read_with_includes(const std::string& path, std::string_view text, Files& files,
                            Problems& problems) {
    const uint32_t first = static_cast<uint32_t>(files.size());
    Document document = Includer{files, problems}.read(normal_path("/", path), text);
    if (problems.empty() && depth_of(document.value) > deepest_json)
        problems.push_back(
            {files[first], {}, "", "nested more than 64 levels deep after $include", ""});
    return document;
}

}  // namespace planner
