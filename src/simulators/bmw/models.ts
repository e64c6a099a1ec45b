/** A car model as the simulator plays it: what BMW's REST interface says about it, and how it behaves. */
export interface Model {
  /** Answer of `basicData` without the VIN-specific keys; spellings as BMW has them. */
  basicData: Readonly<Record<string, unknown>>;
  /** Usable energy in kWh; 0 for a combustion car. */
  capacity: number;
  /** kWh for 100 km. */
  consumption: number;
  /** Power in kW at a wallbox. */
  charging: number;
  /** Which descriptors carry the state of charge while the car is awake. */
  soc: readonly ('header' | 'displayed')[];
}

const bmw = { brand: 'BMW', countryCode: 'DE', hasNavi: true, numberOfDoors: 5, simStatus: 'ACTIVE', steering: 'LL' };

/** The models by the name that `--model` takes. Codes and shapes are BMW's, equipment and colours are ours. */
export const models = {
  i4: {
    basicData: {
      ...bmw,
      bodyType: 'Coupe',
      chargingModes: ['AC_LOW'],
      colourCodeRaw: 'A96',
      colourDescription: 'MINERALWEISS METALLIC',
      constructionDate: '2023-02-14T00:00:00.000+0000',
      driveTrain: 'BEV',
      engine: 'XE2',
      fullSAList: '0430,02VB,0322,0481,04NE,0544,0775,0337,06AK,0534,06U3,0654',
      hasSunRoof: false,
      headUnit: 'HU_MGU',
      modelKey: '31AW',
      modelName: 'i4 M50',
      propulsionType: 'EL',
      series: '4',
      seriesDevt: 'G26',
    },
    capacity: 80.7,
    consumption: 19,
    charging: 11,
    soc: ['header', 'displayed'],
  },
  i3: {
    basicData: {
      ...bmw,
      bodyType: 'Limousine',
      chargingModes: ['AC_LOW', 'AC_HIGH', 'DC'],
      colourCodeRaw: 'B85',
      colourDescription: 'CAPPARISWEISS',
      constructionDate: '2021-06-08T00:00:00.000+0000',
      driveTrain: 'BEV',
      engine: 'IB1',
      fullSAList: '0230,0249,02VB,0322,0493,0494,04U6,0502',
      hasSunRoof: false,
      headUnit: 'HU_NBTEVO',
      modelKey: '8P21',
      modelName: 'i3 120',
      propulsionType: 'EL',
      series: 'I',
      seriesDevt: 'I01',
    },
    capacity: 37.9,
    consumption: 15,
    charging: 11,
    soc: ['header'],
  },
  ix3: {
    basicData: {
      ...bmw,
      bodyType: 'Sports Activity Vehicle',
      chargingModes: ['AC_HIGH', 'DC'],
      colourCodeRaw: 'C56',
      colourDescription: 'OCEAN WAVE BLUE METALLIC',
      constructionDate: '2026-03-11T00:00:00.000+0000',
      driveTrain: 'BEV',
      engine: 'XE6',
      fullSAList: '0320,0322,0337,03AC,0430,0431,0552,0654',
      hasSunRoof: true,
      headUnit: 'HU_IDCEVO',
      modelKey: '01GA',
      modelName: 'iX3 50 xDrive',
      propulsionType: 'EL',
      series: 'X',
      seriesDevt: 'NA5',
    },
    capacity: 108.7,
    consumption: 17,
    charging: 11,
    soc: ['displayed'],
  },
  x1: {
    basicData: {
      ...bmw,
      bodyType: 'Sports Activity Vehicle',
      colourCodeRaw: '668',
      colourDescription: 'SCHWARZ  II',
      constructionDate: '2023-01-23T00:00:00.000+0000',
      driveTrain: 'CONV',
      engine: 'B38N',
      fullSAList: '06AK,0322,01LS,0248,0493,05AV,0563,0302,0428,06NX',
      hasSunRoof: true,
      headUnit: 'HU_MGU',
      modelKey: '11EE',
      modelName: 'X1 sDrive18i',
      propulsionType: 'BE',
      series: 'X',
      seriesDevt: 'U11',
    },
    capacity: 0,
    consumption: 0,
    charging: 0,
    soc: [],
  },
} as const satisfies Record<string, Model>;

/** The name of a model. */
export type ModelName = keyof typeof models;
