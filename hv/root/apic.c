// SPDX-License-Identifier: GPL-2.0-only
/* This CPU's local APIC, in the mode and at the address that Linux has it. SDM volume 3, 11. */
#include <asm/apicdef.h>
#include <asm/fixmap.h>
#include <asm/msr-index.h>
#include "root_fn.h"

static bool is_x2apic(void)
{
	u64 base = 0;

	hvt_rdmsr_safe(MSR_IA32_APICBASE, &base);
	return base & X2APIC_ENABLE;
}

/* SDM volume 3, 11.6 and 11.12.9. Interrupts are off; ICR2 may be the guest's. */
void hvt_apic_send_nmi(u32 apic_id)
{
	if (is_x2apic()) {
		hvt_wrmsr_safe(APIC_BASE_MSR + (APIC_ICR >> 4),
			       (u64)apic_id << 32 | APIC_DM_NMI | APIC_DEST_PHYSICAL);
	} else {
		volatile u32 *icr = (volatile u32 *)(APIC_BASE + APIC_ICR);
		volatile u32 *icr2 = (volatile u32 *)(APIC_BASE + APIC_ICR2);
		u32 keep;

		while (*icr & APIC_ICR_BUSY)
			hvt_pause();
		keep = *icr2;
		*icr2 = apic_id << 24;
		*icr = APIC_DM_NMI | APIC_DEST_PHYSICAL;
		while (*icr & APIC_ICR_BUSY)
			hvt_pause();
		*icr2 = keep;
	}
}

static u32 in_service_word(bool x2apic, u32 i)
{
	u64 word = 0;

	if (!x2apic)
		return *(volatile u32 *)(APIC_BASE + APIC_ISR + 16 * i);
	hvt_rdmsr_safe(APIC_BASE_MSR + (APIC_ISR >> 4) + i, &word);
	return word;
}

/* The vector that was delivered last and has no EOI yet; HVT_VECTOR_NONE: not by this APIC. */
u8 hvt_apic_in_service(void)
{
	bool x2apic = is_x2apic();
	u32 i, word;

	for (i = 8; i--;) {
		word = in_service_word(x2apic, i);
		if (word)
			return 32 * i + 31 - __builtin_clz(word);
	}
	return HVT_VECTOR_NONE;
}
