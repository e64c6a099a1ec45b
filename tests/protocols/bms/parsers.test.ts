import { bmsSoak } from '../../support/bms-soak.ts';

bmsSoak(500_000);
