#include "workers/planner/substitution.h"

#include <algorithm>
#include <cctype>

#include "workers/planner/files.h"

namespace planner {

namespace {

// All texts together after substitution: the plan has to fit into one message.
constexpr size_t most_text = largest_config + largest_config / 2;

bool name_character(char character, bool first) {
    return (character >= 'A' && character <= 'Z') || character == '_' ||
           (!first && character >= '0' && character <= '9');
}

// The NAME of "{NAME}" at the start of `text`; empty when it is none.
std::string_view braced_name(std::string_view text) {
    if (text.empty() || text[0] != '{') return {};
    size_t end = 1;
    while (end < text.size() && name_character(text[end], end == 1)) ++end;
    return end > 1 && end < text.size() && text[end] == '}' ? text.substr(1, end - 1)
                                                            : std::string_view{};
}

class Substitution {
  public:
    Substitution(const Environment& environment, const Files& files, const Source& source,
                 Missing missing, Problems& problems)
        : environment_(environment),
          files_(files),
          source_(source),
          missing_(missing),
          problems_(problems) {}

    // False: leave the value out.
    bool walk(Json& value) {
        if (value.is_string()) return replace(value.get_ref<std::string&>());
        if (value.is_object())
            walk_object(value);
        else if (value.is_array())
            walk_array(value);
        return true;
    }

  private:
    void walk_object(Json& object) {
        for (auto member = object.begin(); member != object.end();) {
            path_.push_back(member.key());
            const bool keep = walk(*member);
            path_.pop_back();
            member = keep ? std::next(member) : object.erase(member);
        }
    }

    void walk_array(Json& array) {
        size_t index = 0;
        for (auto element = array.begin(); element != array.end(); ++index) {
            path_.push_back(std::to_string(index));
            const bool keep = walk(*element);
            path_.pop_back();
            element = keep ? std::next(element) : array.erase(element);
        }
    }

    bool replace(std::string& text) {
        if (text.find("${") == std::string::npos) return grown_by(text.size());
        std::string result;
        bool complete = true;
        for (size_t at = 0; at < text.size();) {
            const std::string_view rest = std::string_view(text).substr(at);
            const bool escaped = rest.substr(0, 3) == "$${";
            const std::string_view name =
                rest[0] == '$' ? braced_name(rest.substr(escaped ? 2 : 1)) : std::string_view{};
            if (name.empty()) {
                result += text[at++];
            } else if (escaped) {
                result.append(rest.substr(1, name.size() + 3));
                at += name.size() + 4;
            } else {
                complete = append_variable(std::string(name), result) && complete;
                at += name.size() + 3;
            }
            if (result.size() > most_text) break;
        }
        text = std::move(result);
        return grown_by(text.size()) && complete;
    }

    bool append_variable(const std::string& name, std::string& to) {
        const std::string value = environment_.get(name);
        to += value;
        if (!value.empty()) return true;
        complain("the environment variable " + name + " is not set or empty",
                 "set it (on Fly: fly secrets set " + name + "=...), or write $${" + name +
                     "} for the text itself");
        return false;
    }

    bool grown_by(size_t size) {
        const bool fitted = total_ <= most_text;
        total_ += size;
        if (total_ > most_text && fitted)
            problems_.push_back(problem_at(files_, source_, path_,
                                           "the configuration is larger than 1.5 MiB after "
                                           "environment variables are put in"));
        return total_ <= most_text;
    }

    void complain(std::string what, std::string cure) {
        if (missing_ == Missing::is_a_problem)
            problems_.push_back(
                problem_at(files_, source_, path_, std::move(what), std::move(cure)));
    }

    const Environment& environment_;
    const Files& files_;
    const Source& source_;
    Missing missing_;
    Problems& problems_;
    Path path_;
    size_t total_ = 0;
};

bool names_a_path(std::string key) {
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char character) { return std::tolower(character); });
    for (const std::string_view ending : {"dir", "path", "paths", "file", "root", "workspace"})
        if (key.size() >= ending.size() &&
            key.compare(key.size() - ending.size(), ending.size(), ending) == 0)
            return true;
    return false;
}

void expand(Json& value, const std::string& home, bool is_path) {
    if (value.is_object()) {
        for (auto& [key, inner] : value.items()) expand(inner, home, names_a_path(key));
    } else if (value.is_array()) {
        for (Json& inner : value) expand(inner, home, is_path);
    } else if (value.is_string() && is_path) {
        std::string& text = value.get_ref<std::string&>();
        if (text == "~" || text.compare(0, 2, "~/") == 0) text = home + text.substr(1);
    }
}

}  // namespace

void substitute(Json& config, const Environment& environment, const Files& files,
                const Source& source, Missing missing, Problems& problems) {
    if (!Substitution{environment, files, source, missing, problems}.walk(config))
        config = Json::object();
}

void add_config_variables(const Json& config, const std::string& file, Environment& environment) {
    const auto add_all = [&](const Json& variables, const std::string& path) {
        if (!variables.is_object()) return;
        for (const auto& [name, value] : variables.items())
            if (value.is_string())
                environment.add(name, value.get<std::string>(), path + name + " in " + file);
    };
    add_all(member_at(config, "env.vars"), "env.vars.");
    add_all(member(config, "env"), "env.");
}

void expand_home(Json& config, const std::string& home) {
    expand(config, home, false);
}

}  // namespace planner
