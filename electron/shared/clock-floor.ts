/** A wall clock before this is wrong: no release of this program is older. */
export const clockFloorMs = Date.UTC(2026, 0, 1)

/** The farthest times that JavaScript's Date holds, and so the farthest that can be written as ISO 8601. */
export const maxDateMs = 8.64e15
