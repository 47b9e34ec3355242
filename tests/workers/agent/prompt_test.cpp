// What the model is told of how things work here, beside the owner's own files.

#include "workers/agent/prompt.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"

namespace agent {

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t noon = 1'769'774'400'000;

std::string prompt_of(Json config, const std::string& session = "agent:main:main",
                      const Json& tools = Json::array(), const std::string& model = "") {
    const AgentConfig made(std::move(config));
    return system_prompt(made, *made.agent("main"), tools, noon, "", session, model);
}

}  // namespace

TEST(Prompt, TellsOfWhatIsThereAndOfNothingElse) {
    const Json memory = Json::array({{{"name", "memory_search"}, {"description", "Looks."}}});
    EXPECT_THAT(prompt_of(Json::object(), "agent:main:main", memory), HasSubstr("## Memory"));
    const std::string plain = prompt_of(Json::object());
    EXPECT_THAT(plain, AllOf(HasSubstr("HEARTBEAT_OK"), HasSubstr("agent=main host="),
                             Not(HasSubstr("## Memory")), Not(HasSubstr("time zone is")),
                             Not(HasSubstr("model="))));
    Json config = Json::object();
    config["agents"]["defaults"]["heartbeat"]["every"] = "0m";
    config["agents"]["defaults"]["userTimezone"] = "Europe/Berlin";
    EXPECT_THAT(prompt_of(config, "agent:main:main", Json::array(), "fake/one"),
                AllOf(Not(HasSubstr("HEARTBEAT_OK")), HasSubstr("time zone is Europe/Berlin."),
                      HasSubstr(" model=fake/one\n")));
}

TEST(Prompt, TellsASpawnedSessionThatItHasOneTask) {
    const std::string text = prompt_of(Json::object(), "agent:main:subagent:1");
    EXPECT_THAT(text, AllOf(HasSubstr("## Subagent"), Not(HasSubstr("HEARTBEAT_OK"))));
    EXPECT_THAT(prompt_of(Json::object(), "agent:main:voice:49151"),
                AllOf(Not(HasSubstr("## Subagent")), Not(HasSubstr("HEARTBEAT_OK")),
                      Not(HasSubstr("host="))));
}

// What changes comes last: providers keep what a prompt begins with.
TEST(Prompt, EndsWithWhatChanges) {
    const TemporaryDirectory directory;
    write_text(directory / "ws/USER.md", "Ann likes tea.");
    Json config = Json::object();
    config["agents"]["defaults"]["workspace"] = directory / "ws";
    const std::string text = prompt_of(config, "agent:main:main", Json::array(), "fake/one");
    const size_t places[] = {text.find("## Heartbeats"), text.find("Ann likes tea."),
                             text.find("# Date"), text.find("# Runtime")};
    EXPECT_TRUE(std::is_sorted(std::begin(places), std::end(places)));
    EXPECT_LT(places[3], text.size());
}

// The owner may have taken one away, or the model be meant to write it.
TEST(Prompt, TellsWhichOfTheUsualFilesAreMissing) {
    const TemporaryDirectory directory;
    write_text(directory / "ws/USER.md", "Ann likes tea.");
    write_text(directory / "ws/HEARTBEAT.md", "\n");
    Json config = Json::object();
    config["agents"]["defaults"]["workspace"] = directory / "ws";
    const auto missing = [&](const char* name) {
        return HasSubstr(std::string("## ") + name +
                         "\n\n[MISSING] Expected at: " + (directory / "ws/") + name + "\n");
    };
    EXPECT_THAT(prompt_of(config), AllOf(missing("SOUL.md"), missing("AGENTS.md"),
                                         Not(missing("USER.md")), Not(missing("HEARTBEAT.md")),
                                         Not(missing("BOOTSTRAP.md")), Not(missing("MEMORY.md"))));
    EXPECT_THAT(prompt_of(config, "agent:main:subagent:1"),
                AllOf(missing("TOOLS.md"), Not(missing("SOUL.md"))));
    EXPECT_THAT(prompt_of(config, "agent:main:voice:49151"), Not(HasSubstr("[MISSING]")));
}

TEST(Prompt, NamesTheOwnersModelsWhereOneCanBeChosen) {
    Json config = Json::object();
    config["agents"]["defaults"]["models"]["openai/gpt-5-mini"]["alias"] = "small\n";
    config["agents"]["defaults"]["models"]["openai/gpt-5.2"] = Json::object();
    const Json spawn = Json::array({{{"name", "sessions_spawn"}, {"description", "Starts."}}});
    EXPECT_THAT(prompt_of(config, "agent:main:main", spawn),
                AllOf(HasSubstr("- small: openai/gpt-5-mini\n"), Not(HasSubstr("gpt-5.2"))));
    for (const char* session : {"agent:main:subagent:1", "agent:main:voice:49151"})
        EXPECT_THAT(prompt_of(config, session, spawn), Not(HasSubstr("## Model aliases")));
    EXPECT_THAT(prompt_of(config), Not(HasSubstr("## Model aliases")));
}

}  // namespace agent
