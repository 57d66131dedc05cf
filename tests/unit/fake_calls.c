// SPDX-License-Identifier: GPL-2.0-only
/* What root's tables call in other files, where those are not linked: see fake.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"
#include "shim/apic.h"

struct hvt_machine hvt_m;
u64 fake_eptp, fake_remaps, fake_reads;
u32 fake_vmcs32[0x8000];

int vmcs_write64(unsigned long field, u64 value)
{
	assert_int_equal(field, EPT_POINTER);
	fake_eptp = value;
	return 0;
}

u32 vmcs_read32(unsigned long field)
{
	return fake_vmcs32[field];
}

int vmcs_write32(unsigned long field, u32 value)
{
	fake_vmcs32[field] = value;
	return 0;
}

bool hvt_read_phys(void *dst, u64 gpa, u32 n)
{
	fake_reads++;
	if (gpa >= FAKE_PHYS || n > FAKE_PHYS - gpa)
		return false;
	memcpy(dst, __va(gpa), n);
	return true;
}

/* Linear addresses of the kernel are physical ones here. */
u64 hvt_translate(u64 cr3, u64 gla)
{
	(void)cr3;
	return gla < FAKE_TOP ? gla : HVT_GPA_NONE;
}

void hvt_emit_remap(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 old_gpa, u64 new_gpa)
{
	(void)v;
	(void)w;
	(void)va;
	assert_true(old_gpa != new_gpa);
	fake_remaps++;
}

int hvt_rdmsr_safe(u32 msr, u64 *value)
{
	(void)msr;
	*value = X2APIC_ENABLE;
	return 0;
}

int hvt_wrmsr_safe(u32 msr, u64 value)
{
	(void)msr;
	(void)value;
	return 0;
}
