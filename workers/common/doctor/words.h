// A worker's state in words, as every part that speaks to an owner writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/supervisor_worker.pb.h"

namespace doctor {

// "ready", "waiting", …
std::string_view state_name(hardshell::proto::WorkerStatus::State state);
// "up", "degraded", "down".
std::string_view tunnel_state_name(hardshell::proto::PublicUrl::State state);
// "ok", "filling", "full", "read-only"; "unknown".
std::string_view volume_level_name(hardshell::proto::VolumeState::Level level);
// Rounded down; 0 when its size is not known.
int used_percent(const hardshell::proto::VolumeState& volume);
// "https://abc.ngrok.app (ngrok)", "down (ngrok): why".
std::string tunnel_in_words(const hardshell::proto::PublicUrl& url);
// How it last failed: cause and text in one line; empty before the first time.
std::string last_error(const hardshell::proto::WorkerStatus& worker);
// "12.3 of 40 MiB"; "-" when it is not known.
std::string memory_of_limit(const hardshell::proto::WorkerStatus& worker);

// "812 KiB", "4.1 MiB".
std::string size(uint64_t bytes);
// Control bytes shown as \xNN, so that foreign text cannot drive the terminal; UTF-8 stays, line
// breaks and tabs too when `keep_breaks`.
std::string printable(std::string_view text, bool keep_breaks = false);

}  // namespace doctor
