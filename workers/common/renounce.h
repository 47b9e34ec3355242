// What a worker gives up by itself, once it runs.
#pragma once

// From now on this process and its children execute no other program: execve answers EPERM. Does
// nothing on a kernel without seccomp filters. The supervisor cannot do it: it has to execute us.
void renounce_execution();
