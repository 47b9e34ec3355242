// What is a command and what is a message.

#include "workers/agent/commands.h"

#include <gmock/gmock.h>

#include <set>

namespace agent {

namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = Command::Kind;

const std::vector<std::string> triggers{"/new", "/reset"};

std::string name_of(std::string_view text) {
    const auto command = read_command(text, triggers);
    return command ? std::string(command->row->name()) : "a message";
}

}  // namespace

TEST(Commands, AreReadInEverySpelling) {
    EXPECT_EQ(name_of("/status"), "/status");
    EXPECT_EQ(name_of(" /Help: "), "/help");
    EXPECT_EQ(name_of("/status@some_bot"), "/status");
    EXPECT_EQ(name_of("/id"), "/whoami");
    EXPECT_EQ(name_of("/t high"), "/think");
    EXPECT_EQ(name_of("!ls -l"), "/bash");
    EXPECT_EQ(name_of("/dock-discord"), "/dock_discord");
    EXPECT_EQ(read_command("/new  hello there ", triggers)->rest, "hello there");
    EXPECT_EQ(read_command("/reset@bot x", triggers)->row->kind, Kind::fresh_session);
}

TEST(Commands, AreMessagesWhereTheTableDoesNotKnowThem) {
    for (const char* text : {"/newer", "status", "", "/", "/status of the nation", "!",
                             "! important", "/etc/passwd", "please /help"})
        EXPECT_EQ(name_of(text), "a message") << text;
    EXPECT_FALSE(read_command("/new", {"/fresh"})) << "not among the configured triggers";
    EXPECT_EQ(read_command("/fresh start", {"/fresh"})->row->kind, Kind::fresh_session);
}

TEST(Commands, StopWordsAreTheWholeMessage) {
    for (const char* text : {"Interrupt", "/stop", " STOP ", "/stop@some_bot", "esc"})
        EXPECT_TRUE(is_stop_word(text)) << text;
    for (const char* text : {"stop it", "stop@home", "/stopp", "waiting", ""})
        EXPECT_FALSE(is_stop_word(text)) << text;
}

TEST(Commands, HaveNamesOfTheirOwn) {
    std::set<std::string> names;
    for (const CommandRow& row : command_rows())
        for (std::string_view rest = row.names; !rest.empty();) {
            const size_t end = std::min(rest.find(' '), rest.size());
            EXPECT_TRUE(names.insert(std::string(rest.substr(0, end))).second) << row.names;
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    EXPECT_TRUE(names.contains("/thinking"));
}

TEST(Commands, AreListedFromTheTable) {
    EXPECT_THAT(help_text(triggers), HasSubstr("\n/status – shows model"));
    EXPECT_THAT(help_text(triggers), Not(HasSubstr("/queue")));
    const std::string all = commands_text({"/new", "/fresh"});
    EXPECT_THAT(all, HasSubstr("\n/queue <mode> [debounce:<time>]"));
    EXPECT_THAT(all, HasSubstr("\n/fresh [message]"));
    EXPECT_THAT(all, Not(HasSubstr("/reset")));
    EXPECT_THAT(all, Not(HasSubstr("/tts"))) << "not offered";
}

TEST(Commands, ShowNumbersAsPeopleReadThem) {
    EXPECT_EQ(short_number(999), "999");
    EXPECT_EQ(short_number(1200), "1.2k");
    EXPECT_EQ(short_number(141'600), "142k");
    EXPECT_EQ(short_number(1'250'000), "1.2M");
    StatusFacts facts;
    facts.model = "a/b";
    facts.session_key = "agent:main:main";
    facts.updated_ago_ms = 0;
    facts.context_tokens = 12'000;
    facts.context_window = 200'000;
    facts.thinking = "low";
    facts.elevated = "on";
    const std::string text = status_text(facts);
    EXPECT_THAT(text, HasSubstr("📚 Context: 12k/200k (6%) · 🧹 Compactions: 0"));
    EXPECT_THAT(text, HasSubstr("🧵 Session: agent:main:main • updated just now"));
    EXPECT_THAT(text, HasSubstr("⚙️ Runtime: direct · Think: low · elevated"));
    EXPECT_THAT(text, HasSubstr("\n🪢 Queue: collect (depth 0)"));
}

}  // namespace agent
