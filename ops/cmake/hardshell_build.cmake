# Compiler settings, dependencies and the three functions every folder uses.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Every target of ours sees the source root, so that includes name the folder they come from.
add_library(hardshell_settings INTERFACE)
target_include_directories(hardshell_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(
  hardshell_settings
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
            -Wimplicit-fallthrough -Werror -fno-strict-aliasing -fstack-protector-strong)
target_compile_definitions(hardshell_settings
                           INTERFACE HARDSHELL_VERSION="${PROJECT_VERSION}")
target_link_options(hardshell_settings INTERFACE -Wl,--as-needed -Wl,-O1 -Wl,-z,relro)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # A process loads only what it calls: unused code of the static parts is dropped.
  target_compile_options(hardshell_settings INTERFACE -ffunction-sections -fdata-sections)
  target_compile_definitions(hardshell_settings INTERFACE _FORTIFY_SOURCE=2)
  # Packed relocations are read in pages, not in hundreds of pages, at every start.
  target_link_options(hardshell_settings INTERFACE -Wl,--gc-sections -Wl,-z,pack-relative-relocs)
endif()
if(CMAKE_UNITY_BUILD)
  # Many files are one translation unit here (CMakePresets.json: what is built often, on two cores):
  # a local name may be that of another file's, and a class of an included file uses that file's own.
  target_compile_options(hardshell_settings INTERFACE -Wno-shadow
                                                     $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(HARDSHELL_SANITIZE)
  add_compile_options(-fsanitize=${HARDSHELL_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  if(HARDSHELL_SANITIZE MATCHES "undefined")
    # What the address sanitizer or the hardware catches anyway; these checks stand at every
    # member access and double the build time.
    add_compile_options(-fno-sanitize=null,alignment,object-size,vptr)
  endif()
  if(HARDSHELL_SANITIZE MATCHES "thread")
    # The sequence lock of the board is between processes, where this sanitizer sees nothing.
    add_compile_options(-Wno-tsan)
  endif()
  add_link_options(-fsanitize=${HARDSHELL_SANITIZE})
endif()

set(Protobuf_USE_STATIC_LIBS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(PkgConfig REQUIRED)

# hardshell_library(name SOURCES ... [LINK ...]): one folder, or one duty of a folder.
function(hardshell_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC hardshell_settings ${ARG_LINK})
endfunction()

# hardshell_program(name [OUTPUT file] [TOP] [STATIC] SOURCES ... LINK ...): an executable of its
# own. Processes go to libexec/hardshell, the command line (TOP) to the root of the build. What
# ships carries its C++ library inside; a STATIC one, which resolves no names and loads no
# modules, carries everything and needs no loader (ops/decisions/0003-linking.md).
function(hardshell_program name)
  cmake_parse_arguments(ARG "TOP;STATIC" "OUTPUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE hardshell_settings ${ARG_LINK})
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(seldom_code ${PROJECT_SOURCE_DIR}/ops/cmake/seldom_code.ld)
    target_link_options(${name} PRIVATE -Wl,-T,${seldom_code})
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${seldom_code})
    if(ARG_STATIC)
      target_link_options(${name} PRIVATE -static-pie)
    else()
      target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
  endif()
  if(ARG_TOP)
    set(directory ${PROJECT_BINARY_DIR})
  else()
    set(directory ${PROJECT_BINARY_DIR}/libexec/hardshell)
  endif()
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${ARG_OUTPUT} RUNTIME_OUTPUT_DIRECTORY
                                                                     ${directory})
endfunction()

# hardshell_test(name LABEL unit|journey|fault|bench SOURCES ... LINK ... [NEEDS target ...])
function(hardshell_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK;NEEDS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE hardshell_settings ${ARG_LINK} GTest::gmock_main)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    # Matchers cost a third of their compile time in the optimiser; what they test stays at -O1.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  if(ARG_NEEDS)
    add_dependencies(${name} ${ARG_NEEDS})
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(
    ${name}
    PROPERTIES
      LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT
      "HARDSHELL_BUILD=${PROJECT_BINARY_DIR};HARDSHELL_SOURCE=${PROJECT_SOURCE_DIR};\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/threads.supp")
endfunction()
