import { bmsSoak } from '../../support/bms-soak.ts';

bmsSoak(10_000_000);
