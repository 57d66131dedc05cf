# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Names of system calls out of the kernel's headers, as a C table and as a Python one.
# cmake -DCC=COMPILER -DC=FILE.h -DPYTHON=FILE.py -P syscalls.cmake
foreach(abi 64 32)
	execute_process(
		COMMAND ${CMAKE_COMMAND} -E echo "#include <asm/unistd_${abi}.h>"
		COMMAND ${CC} -x c -E -dM -
		OUTPUT_VARIABLE macros RESULT_VARIABLE failed)
	string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ [0-9]+" lines "${macros}")
	list(LENGTH lines n)
	if(failed OR n LESS 300)
		message(FATAL_ERROR "asm/unistd_${abi}.h: no system calls in it; try: the kernel's user headers (linux-libc-dev)")
	endif()
	set(c "static const char *const syscalls_${abi}[] = {\n")
	set(python "NAMES_${abi} = {\n")
	foreach(line IN LISTS lines)
		string(REGEX REPLACE "#define __NR_([a-z0-9_]+) ([0-9]+)" "\\1;\\2" pair "${line}")
		list(GET pair 0 name)
		list(GET pair 1 number)
		string(APPEND c "\t[${number}] = \"${name}\",\n")
		string(APPEND python "    ${number}: \"${name}\",\n")
	endforeach()
	string(APPEND all_c "${c}};\n")
	string(APPEND all_python "${python}}\n")
endforeach()
file(WRITE ${C} "/* Made from asm/unistd_64.h and asm/unistd_32.h. */\n${all_c}")
file(WRITE ${PYTHON} "# Made from asm/unistd_64.h and asm/unistd_32.h.\n${all_python}")
