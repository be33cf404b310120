# What the project stands on. All of it is packaged by Debian 12; tools/setup installs what is missing.
# Imported targets are SYSTEM: our warnings do not judge other people's headers.
find_package(PkgConfig REQUIRED)
pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
# Only pkg-config knows the defines that the packaged library was built with; without them it
# compiles and then crashes.
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
find_package(Threads REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(spdlog REQUIRED CONFIG)
find_package(tomlplusplus REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(tl-expected REQUIRED CONFIG)
find_package(mimalloc REQUIRED CONFIG)
find_package(GTest REQUIRED CONFIG)
find_package(rapidcheck REQUIRED CONFIG)
find_package(benchmark REQUIRED CONFIG)

# msgpack is headers only. Its own target would pull in Boost, which we do not use.
find_path(EVENKEEL_MSGPACK_INCLUDE msgpack.hpp REQUIRED)
add_library(ek_msgpack INTERFACE)
target_include_directories(ek_msgpack SYSTEM INTERFACE ${EVENKEEL_MSGPACK_INCLUDE})
target_compile_definitions(ek_msgpack INTERFACE MSGPACK_NO_BOOST)
