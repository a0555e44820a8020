/* Stands for NVIDIA's management library: two cards, one chip without memory of its own, and one that may not be asked. */
#include <string.h>

typedef struct {
    char legacy_id[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
} pci_info;
typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} memory_info;

static const unsigned long long gibibyte = 1024ull * 1024 * 1024;
static char devices[4];

int nvmlInit_v2(void) {
    return 0;
}
int nvmlShutdown(void) {
    return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
    *count = 4;
    return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
    *device = &devices[index];
    return index < 4 ? 0 : 2;
}
int nvmlDeviceGetPciInfo_v3(void* device, pci_info* info) {
    memset(info, 0, sizeof *info);
    info->bus = 0xc1 + (unsigned)((char*)device - devices);
    return 0;
}
int nvmlDeviceGetMemoryInfo_v2(void* device, memory_info* info) {
    if (info->version != (sizeof *info | (2u << 24))) {
        return 25; /* version mismatch */
    }
    const long index = (char*)device - devices;
    if (index == 2) {
        return 3; /* not supported */
    }
    if (index == 3) {
        return 4; /* no permission */
    }
    info->total = 24 * gibibyte;
    info->reserved = gibibyte;
    info->used = index == 0 ? 3 * gibibyte : 30 * gibibyte;
    info->free = 99 * gibibyte; /* not what is counted */
    return 0;
}
int nvmlDeviceGetDisplayActive(void* device, unsigned* active) {
    *active = device == &devices[0];
    return 0;
}
