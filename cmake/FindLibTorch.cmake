# SPDX-License-Identifier: Apache-2.0
# FindLibTorch
#
# Finds a LibTorch >= 2.7 built with the C++11 ABI: the one that tools/setup unpacked, an
# installed Python torch, an unpacked LibTorch, or a distribution's package. No CUDA toolkit is
# asked for, as torch's own TorchConfig.cmake does.
#
# Looks in, and takes the first that is there:
#   -DTORCH_ROOT=DIR, the environment's TORCH_ROOT, the project's .deps, /usr, python3's torch.
#   A root that was named is the only place: where it is unusable, configuring stops.
#
# Gives the target LibTorch::LibTorch and the variables
#   LibTorch_FOUND, LibTorch_VERSION, LibTorch_ROOT_DIR, LibTorch_LIBRARY_DIR

set(TORCH_ROOT "" CACHE PATH "The folder of LibTorch that has include/ and lib/")

# The folder to look in, and in `named` whether a person chose it.
function(_libtorch_pick_root root_variable named_variable)
  set(${named_variable} TRUE PARENT_SCOPE)
  if(TORCH_ROOT)
    set(${root_variable} ${TORCH_ROOT} PARENT_SCOPE)
    return()
  endif()
  if(NOT "$ENV{TORCH_ROOT}" STREQUAL "")
    file(TO_CMAKE_PATH "$ENV{TORCH_ROOT}" root)
    set(${root_variable} ${root} PARENT_SCOPE)
    return()
  endif()
  set(${named_variable} FALSE PARENT_SCOPE)
  file(GLOB candidates ${PROJECT_SOURCE_DIR}/.deps/libtorch-*/torch)
  list(SORT candidates COMPARE NATURAL ORDER DESCENDING)
  list(APPEND candidates /usr)
  foreach(root IN LISTS candidates)
    if(EXISTS ${root}/include/torch/script.h)
      set(${root_variable} ${root} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  execute_process(
    COMMAND python3 -c "import importlib.util as u; \
s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${root_variable} "${root}" PARENT_SCOPE)
endfunction()

# MAJOR.MINOR.PATCH out of the headers; 2.14 moved it from the first file to the second.
function(_libtorch_read_version include_dir version_variable)
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(EXISTS ${include_dir}/${header})
      file(STRINGS ${include_dir}/${header} lines
           REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
      if(lines)
        string(REGEX REPLACE "[^;0-9]" "" numbers "${lines}")
        list(JOIN numbers "." version)
        set(${version_variable} ${version} PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
endfunction()

# Whether libc10 takes our std::string: declared here, so that no header need be compiled.
function(_libtorch_probe_abi library result_variable)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_QUIET TRUE)
  set(CMAKE_REQUIRED_LIBRARIES ${library})
  set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--allow-shlib-undefined)
  check_cxx_source_compiles([==[
    #include <cstdint>
    #include <string>
    namespace c10::detail {
    [[noreturn]] void torchCheckFail(const char*, const char*, std::uint32_t, const std::string&);
    }
    int main() { c10::detail::torchCheckFail("", "", 0, std::string()); }]==] ${result_variable})
  set(${result_variable} ${${result_variable}} PARENT_SCOPE)
endfunction()

_libtorch_pick_root(LibTorch_ROOT_DIR _libtorch_named)

set(_libtorch_problem "")
if(NOT LibTorch_ROOT_DIR)
  set(_libtorch_problem "no LibTorch found: run tools/setup, or name one with TORCH_ROOT")
elseif(NOT EXISTS ${LibTorch_ROOT_DIR}/include/torch/script.h)
  set(_libtorch_problem "TORCH_ROOT=${LibTorch_ROOT_DIR} has no include/torch/script.h: it must \
be LibTorch's own folder (of a Python torch: .../site-packages/torch)")
endif()

if(NOT _libtorch_problem)
  set(_libtorch_include ${LibTorch_ROOT_DIR}/include)
  _libtorch_read_version(${_libtorch_include} LibTorch_VERSION)
  foreach(_libtorch_name torch torch_cpu c10)
    # Cached by root, so that another root is looked at anew.
    string(MD5 _libtorch_key "${LibTorch_ROOT_DIR} ${_libtorch_name}")
    find_library(LibTorch_${_libtorch_key} ${_libtorch_name}
      PATHS ${LibTorch_ROOT_DIR}/lib ${LibTorch_ROOT_DIR}/lib/${CMAKE_LIBRARY_ARCHITECTURE}
      NO_DEFAULT_PATH)
    mark_as_advanced(LibTorch_${_libtorch_key})
    set(_libtorch_${_libtorch_name} ${LibTorch_${_libtorch_key}})
    if(NOT _libtorch_${_libtorch_name})
      set(_libtorch_problem "${LibTorch_ROOT_DIR}/lib has no lib${_libtorch_name}.so")
    endif()
  endforeach()
endif()

if(NOT _libtorch_problem)
  string(MD5 _libtorch_key "${_libtorch_c10} ${CMAKE_CXX_COMPILER}")
  if(NOT LibTorch_VERSION)
    set(_libtorch_problem "cannot read the version of LibTorch in ${LibTorch_ROOT_DIR}")
  elseif(LibTorch_VERSION VERSION_LESS 2.7)
    set(_libtorch_problem "LibTorch in ${LibTorch_ROOT_DIR} is ${LibTorch_VERSION}, 2.7 or newer \
is needed: unset TORCH_ROOT and run tools/setup for one that fits")
  else()
    _libtorch_probe_abi(${_libtorch_c10} LibTorch_ABI_${_libtorch_key})
    if(NOT LibTorch_ABI_${_libtorch_key})
      set(_libtorch_problem "LibTorch in ${LibTorch_ROOT_DIR} cannot be linked with this \
compiler's std::string: it was built with _GLIBCXX_USE_CXX11_ABI=0, or for another machine; take \
the cxx11-abi download or a wheel of 2.7 or newer")
    endif()
  endif()
endif()

if(_libtorch_problem AND (_libtorch_named OR LibTorch_FIND_REQUIRED))
  message(FATAL_ERROR "${_libtorch_problem}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS _libtorch_torch _libtorch_torch_cpu _libtorch_c10 LibTorch_ROOT_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "${_libtorch_problem}")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  get_filename_component(LibTorch_LIBRARY_DIR ${_libtorch_torch_cpu} DIRECTORY)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  foreach(_libtorch_name torch torch_cpu c10)
    add_library(LibTorch::${_libtorch_name} SHARED IMPORTED)
    set_target_properties(LibTorch::${_libtorch_name} PROPERTIES
      IMPORTED_LOCATION ${_libtorch_${_libtorch_name}})
    target_link_libraries(LibTorch::LibTorch INTERFACE LibTorch::${_libtorch_name})
  endforeach()
  # tools/setup may put another version in its place: looked for again then.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_libtorch_torch_cpu})
  target_compile_features(LibTorch::LibTorch INTERFACE cxx_std_20)
  # Last in the search, for LibTorch carries copies of protobuf's and fmt's headers, which would
  # otherwise hide the system's.
  target_compile_options(LibTorch::LibTorch INTERFACE
    "SHELL:-idirafter \"${_libtorch_include}\""
    "SHELL:-idirafter \"${_libtorch_include}/torch/csrc/api/include\"")
  # libtorch.so holds nothing we call but must be in the process: AOTInductor packages, and the
  # CUDA build's device code, are found through it. Its own needs are met at run time.
  target_link_options(LibTorch::LibTorch INTERFACE
    LINKER:--no-as-needed LINKER:--allow-shlib-undefined)
endif()
