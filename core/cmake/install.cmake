# What `make install` puts where, beside the programs: their manual pages and completions, headers, both libraries, acurast.pc and the CMake package. The two libraries are
# exported apart, since only the static one makes its user find what it stands on.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/acurast)
install(DIRECTORY include/acurast DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(ACURAST_SHARED)
    install(TARGETS acurast EXPORT acurastTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT acurastTargets NAMESPACE acurast:: DESTINATION ${package_dir})
endif()
install(TARGETS acurast_static EXPORT acurastStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT acurastStaticTargets NAMESPACE acurast:: DESTINATION ${package_dir})
configure_package_config_file(cmake/acurastConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/acurastConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/acurastConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/acurastConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/acurastConfigVersion.cmake
        DESTINATION ${package_dir})

# The way from the folder of acurast.pc back to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/acurast.pc.in ${CMAKE_CURRENT_BINARY_DIR}/acurast.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/acurast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES manual/acurast-service.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES manual/acurast-peer.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
set(ACURAST_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "Where zsh finds completions")
foreach(program acurast-service acurast-peer)
    install(FILES manual/${program}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
    install(FILES manual/_${program} DESTINATION ${ACURAST_ZSH_DIR})
    install(FILES manual/${program}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
