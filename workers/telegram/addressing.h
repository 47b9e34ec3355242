// Whom a message speaks to, and what it says once that is taken away. Pure.
#pragma once

#include <set>
#include <string>

#include "workers/telegram/update.h"

namespace telegram {

struct Bot {
    std::string id;
    std::string username;
    std::string name;
    bool has_topics = false;  // private chats may have threads
    // What the agent takes as commands; empty: not known yet, so any may be one.
    std::set<std::string> commands;
};

struct Addressing {
    bool is_own = false;
    bool was_mentioned = false;  // by name, by id, or its own message replied to
    bool mentions_others = false;
    bool is_command = false;          // "/status", "/status@bot"
    bool is_for_another_bot = false;  // "/status@other"
    // For the model: the bot's name taken out, links written out, what is no text as a line.
    std::string text;
};

Addressing addressing_of(const Message& message, const Bot& bot);

}  // namespace telegram
