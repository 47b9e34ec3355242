#include "supervisor/worker_state.h"

#include <iterator>

namespace supervisor {

namespace {

using enum WorkerState;

struct Move {
    WorkerState from;
    WorkerState to;
    const char* when;
};

constexpr Move moves[] = {
    {stopped, starting, "the plan or the owner starts it"},
    {stopped, waiting, "its listener is not bound yet"},
    {waiting, starting, "its time has come"},
    {waiting, stopped, "stop while it waits"},
    {waiting, held, "its configuration was refused while it waited"},
    {starting, ready, "it said that it serves"},
    {starting, waiting, "it ended before that"},
    {starting, held, "it said that it cannot work"},
    {starting, stopping, "stop, or its deadline passed"},
    {ready, waiting, "it ended"},
    {ready, held, "its secret or configuration was refused"},
    {ready, stopping, "stop, replacement, or no heartbeat"},
    {ready, stopped, "it ended while everything stops"},
    {stopping, stopped, "it ended as asked"},
    {stopping, waiting, "it ended to be replaced"},
    {starting, stopped, "it ended while everything stops"},
    {held, starting, "its configuration changed, or the owner starts it"},
    {held, waiting, "its listener is not bound yet"},
    {held, stopped, "stop"},
};

struct StateName {
    WorkerState state;
    const char* name;
};

constexpr StateName names[] = {
    {stopped, "stopped"}, {waiting, "waiting"},   {starting, "starting"},
    {ready, "ready"},     {stopping, "stopping"}, {held, "held"},
};

}  // namespace

bool may_move(WorkerState from, WorkerState to) {
    for (const Move& move : moves)
        if (move.from == from && move.to == to) return true;
    return false;
}

bool is_running(WorkerState state) {
    return state == starting || state == ready || state == stopping;
}

const char* name_of(WorkerState state) {
    for (const StateName& row : names)
        if (row.state == state) return row.name;
    return "unknown";
}

}  // namespace supervisor
